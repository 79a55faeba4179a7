#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "base/result.h"

namespace sluice {

/// A server's side of TLS 1.2 and 1.3 with a certificate and its key (PEM). Error: kNeedsOperator (9302).
Result<boost::asio::ssl::context> MakeTlsContext(const std::string& certificate_file, const std::string& key_file);

}  // namespace sluice
