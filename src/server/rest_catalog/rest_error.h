#pragma once
// Errors in the form of Iceberg's REST protocol: {"error": {"message": …, "type": …, "code": …}}.

#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http/http_message.h"

namespace sluice {

/// `type`: the name of the Java exception that readers raise for it.
HttpResponse RestError(int status, std::string_view type, const std::string& message);

/// What the catalog or the store failed with: 503 where trying again helps, else 500. Says so in the log too.
HttpResponse RestFailure(const Error& error);

/// {"error": …, "error_description": …} of RFC 6749.
HttpResponse OAuthError(int status, std::string_view error, const std::string& description);

}  // namespace sluice
