#include "storage/s3_uploads.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/aws_keys.h"
#include "storage/aws_signature.h"
#include "storage/http_client.h"
#include "storage/s3.h"
#include "storage/uploads_answer.h"

namespace sluice {
namespace {

constexpr int kPageMax = 1000;
constexpr int kPagesMax = 100;  // Whatever the store says. The rest is seen once these are aborted.
constexpr HttpClientLimits kHttp{.connect_max = std::chrono::seconds(5), .call_max = std::chrono::seconds(20), .reply_bytes_max = 4 << 20};
constexpr std::array<std::chrono::milliseconds, 2> kPauses{std::chrono::milliseconds(300), std::chrono::milliseconds(2000)};

constexpr const char* kListAction = "s3:ListBucketMultipartUploads";
constexpr const char* kAbortAction = "s3:AbortMultipartUpload";

/// By path and not by a host's name: no certificate covers buckets with dots in their names.
std::string BaseUrl(const StorageConfig& config, const std::string& region) {
  if (config.endpoint.empty()) return fmt::format("https://s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
  std::string base = config.endpoint;
  while (base.ends_with('/')) base.pop_back();
  return base;
}

std::string EncodedPath(std::string_view path) {
  std::string encoded;
  for (const char c : path) encoded += c == '/' ? "/" : PercentEncode({&c, 1});
  return encoded;
}

bool MayHelpToRepeat(int status) { return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504; }

Error NoReply(const HttpFailure& failure, const std::string& object) {
  const bool lasts = failure.cause == HttpFailure::Cause::kCertificate;
  return {lasts ? ErrorKind::kNeedsOperator : ErrorKind::kUnavailable, fmt::format("no answer from the store of {}", object), slu::kStorageFailed, failure.evidence};
}

/// Of an answer that says no. `action`: what the asked one needs the permission for.
Error Refused(const HttpReply& reply, const std::string& object, const char* action) {
  std::string words = RefusalFrom(reply.body);
  const bool lacks_it = reply.status == 405 || reply.status == 501 || words.starts_with("NotImplemented") || words.starts_with("MethodNotAllowed");
  if (words.empty()) words = reply.status == 403 ? "AccessDenied" : fmt::format("status {}", reply.status);
  Error error = ErrorFromWords(words, object);
  error.evidence = words;
  if (error.code == slu::kStoragePermission) {
    error.message = fmt::format("the store does not permit {}", action);
    error.fix = {fmt::format("allow {} to whom sluice is in the store", action)};
  } else if (lacks_it) {
    error.kind = ErrorKind::kNeedsOperator;
    error.message = fmt::format("the store does not offer {}", action);
  }
  return error;
}

}  // namespace

class S3Uploads::Requests {
 public:
  Requests(const StorageConfig& config, std::string region) : region_(std::move(region)), base_(BaseUrl(config, region_)), keys_(config), http_(kHttp, config.ca_file) {}

  bool has_keys() const { return keys_.Current().ok(); }
  std::string UrlOf(std::string_view path) const { return base_ + "/" + EncodedPath(path); }

  /// The reply, whatever it says, once the store is neither silent nor asks for patience.
  Result<HttpReply> Send(const std::string& method, const std::string& url, const std::string& object) {
    for (size_t attempt = 0;; ++attempt) {
      ASSIGN_OR_RETURN(const AwsKeys keys, keys_.Current());
      HttpCall call{method, url};
      call.headers = SignForAws(call, keys, {"s3", region_}, std::chrono::floor<std::chrono::seconds>(SystemClock().Now()));
      HttpReply reply;
      HttpFailure failure;
      const bool replied = http_.Send(call, reply, failure);
      if (replied && !MayHelpToRepeat(reply.status)) return reply;
      const bool lasts = !replied && failure.cause != HttpFailure::Cause::kNoAnswer;
      if (lasts || attempt == kPauses.size()) return replied ? Result<HttpReply>(std::move(reply)) : NoReply(failure, object);
      std::this_thread::sleep_for(kPauses[attempt]);
    }
  }

 private:
  const std::string region_, base_;
  const AwsKeyChain keys_;
  HttpClient http_;
};

S3Uploads::S3Uploads(std::string bucket, StorageConfig config) : bucket_(std::move(bucket)), config_(std::move(config)) {}

S3Uploads::~S3Uploads() = default;

Result<S3Uploads::Requests*> S3Uploads::Open() {
  const std::lock_guard lock(mutex_);
  if (requests_ == nullptr) {
    ASSIGN_OR_RETURN(std::string region, RegionOf(bucket_, config_));
    requests_ = std::make_unique<Requests>(config_, std::move(region));
  }
  return requests_.get();
}

Result<std::vector<UnfinishedUpload>> S3Uploads::List(const std::string& path) {
  ASSIGN_OR_RETURN(Requests* const requests, Open());
  std::vector<UnfinishedUpload> uploads;
  if (!requests->has_keys()) return uploads;
  const std::string object = "s3://" + path;
  const size_t slash = std::min(path.find('/'), path.size());
  const std::string bucket = path.substr(0, slash), prefix = slash == path.size() ? "" : path.substr(slash + 1) + "/";
  const std::string url = fmt::format("{}?uploads=&max-uploads={}&prefix={}", requests->UrlOf(bucket), kPageMax, PercentEncode(prefix));
  std::string from;
  for (int number = 0; number < kPagesMax; ++number) {
    ASSIGN_OR_RETURN(const HttpReply reply, requests->Send("GET", url + from, object));
    // Some stores refuse the markers that they gave themselves.
    if (reply.status != 200 && number > 0) break;
    if (reply.status != 200) return Refused(reply, object, kListAction);
    ASSIGN_OR_RETURN(UploadsPage page, UploadsPageFrom(reply.body));
    for (ListedUpload& upload : page.uploads)
      if (upload.key.starts_with(prefix)) uploads.push_back({fmt::format("s3://{}/{}", bucket, upload.key), std::move(upload.id), upload.initiated_ms});
    if (page.is_last) break;
    from = fmt::format("&key-marker={}&upload-id-marker={}", PercentEncode(page.next_key), PercentEncode(page.next_id));
  }
  return uploads;
}

Status S3Uploads::Abort(const std::string& path, const std::string& id) {
  ASSIGN_OR_RETURN(Requests* const requests, Open());
  const std::string object = "s3://" + path;
  const std::string url = fmt::format("{}?uploadId={}", requests->UrlOf(path), PercentEncode(id));
  ASSIGN_OR_RETURN(const HttpReply reply, requests->Send("DELETE", url, object));
  if (reply.status < 300 || reply.status == 404) return Ok();
  return Refused(reply, object, kAbortAction);
}

}  // namespace sluice
