#pragma once
// Which handler answers which path.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http_message.h"
#include "server/http/request_target.h"

namespace sluice {

/// A request with what its path and query say.
struct RoutedRequest {
  const HttpRequest& http;
  RequestTarget target;
  std::map<std::string, std::string, std::less<>> names = {};  ///< What stands in the path where the pattern has {name}.
};

/// Made once, then only read: any number of threads may route.
class Router {
 public:
  using Handler = std::function<HttpResponse(const RoutedRequest&)>;

  /// Answers what no route takes.
  explicit Router(Handler otherwise) : otherwise_(std::move(otherwise)) {}

  /// `pattern`: "/v1/namespaces/{namespace}". What was added first is tried first. A HEAD goes to HEAD alone.
  void Add(std::string method, std::string_view pattern, Handler handler);

  HttpResponse Route(RoutedRequest request) const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> pattern;
    Handler handler;
  };

  const Handler otherwise_;
  std::vector<Entry> entries_;
};

}  // namespace sluice
