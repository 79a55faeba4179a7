#include "server/http/router.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

HttpResponse Says(std::string body) { return {.status = 200, .body = std::move(body)}; }

std::string Routed(const Router& router, const std::string& method, const std::string& target) {
  const HttpRequest request{.method = method, .target = target};
  return router.Route({request, ParseTarget(target).value()}).body;
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() : router_([](const RoutedRequest&) { return Says("otherwise"); }) {
    router_.Add("GET", "/tables", [](const RoutedRequest&) { return Says("list"); });
    router_.Add("GET", "/tables/{table}", [](const RoutedRequest& request) { return Says("table " + request.names.at("table")); });
    router_.Add("POST", "/tables/{table}/metrics", [](const RoutedRequest& request) { return Says("metrics of " + request.names.at("table")); });
  }

  Router router_;
};

TEST_F(RouterTest, NamesInThePathReachTheHandlerDecoded) {
  EXPECT_EQ(Routed(router_, "GET", "/tables"), "list");
  EXPECT_EQ(Routed(router_, "GET", "/tables/a%2Fb"), "table a/b");
  EXPECT_EQ(Routed(router_, "POST", "/tables/x/metrics"), "metrics of x");
}

TEST_F(RouterTest, AnotherMethodOrPathGoesElsewhere) {
  EXPECT_EQ(Routed(router_, "DELETE", "/tables/x"), "otherwise");
  EXPECT_EQ(Routed(router_, "GET", "/tables/x/y"), "otherwise");
  EXPECT_EQ(Routed(router_, "GET", "/"), "otherwise");
}

}  // namespace
}  // namespace sluice
