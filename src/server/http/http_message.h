#pragma once
// A request and its response, whole, as handlers see them.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// Names compare without regard to case; of several with one name the first counts.
class HttpHeaders {
 public:
  void Add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  /// Empty if there is none.
  std::string_view Get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target = {};  ///< As sent: "/v1/namespaces?parent=a%1Fb".
  HttpHeaders headers = {};
  std::string body = {};
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};
  std::string body = {};  ///< Of an answer to HEAD only its length is sent.
};

HttpResponse JsonResponse(int status, std::string body);

}  // namespace sluice
