#include "server/http/tls_context.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

namespace ssl = boost::asio::ssl;

Error Unusable(const std::string& file, const std::string& why) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("{} cannot be used for TLS", file), slu::kServeCertificate, "openssl: " + why};
}

}  // namespace

Result<ssl::context> MakeTlsContext(const std::string& certificate_file, const std::string& key_file) {
  ssl::context context(ssl::context::tls_server);
  boost::system::error_code failed;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression, failed);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION);
  context.set_password_callback([](size_t, ssl::context::password_purpose) { return std::string(); }, failed);  // Never ask the terminal.
  context.use_certificate_chain_file(certificate_file, failed);
  if (failed) return Unusable(certificate_file, failed.message());
  context.use_private_key_file(key_file, ssl::context::pem, failed);
  if (failed) return Unusable(key_file, failed.message());
  return context;
}

}  // namespace sluice
