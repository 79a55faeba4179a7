#pragma once
// Signature Version 4 of AWS. libcurl's own (7.88) signs a path as it is sent, but all services besides S3 want it encoded once more.

#include <chrono>
#include <string>
#include <string_view>

#include "storage/http_client.h"
#include "storage/aws_keys.h"

namespace sluice {

struct AwsScope {
  std::string service;  ///< "glue", "s3"
  std::string region;
};

/// The headers that `call` must be sent with besides its own. Its query's names and values are percent-encoded.
HttpFields SignForAws(const HttpCall& call, const AwsKeys& keys, const AwsScope& scope, std::chrono::sys_seconds now);

}  // namespace sluice
