#include "server/control_client.h"

#include "observability/error_catalog.h"
#include "server/line_channel.h"
#include "server/unix_socket.h"

namespace sluice {

Result<nlohmann::ordered_json> Ask(const std::string& socket_path, const ControlRequest& request,
                                   std::optional<std::chrono::milliseconds> wait_max,
                                   const std::function<void(const nlohmann::ordered_json&)>& on_progress) {
  ASSIGN_OR_RETURN(FileDescriptor socket, ConnectUnix(socket_path));
  LineChannel channel(std::move(socket), kReplyBytesMax);
  RETURN_IF_ERROR(channel.Write(RequestLine(request)));
  for (;;) {
    ASSIGN_OR_RETURN(const std::string line, channel.ReadLine(wait_max));
    ASSIGN_OR_RETURN(const nlohmann::ordered_json reply, ParseLine(line));
    if (const auto progress = reply.find("progress"); progress != reply.end()) {
      if (on_progress) on_progress(*progress);
      continue;
    }
    if (const auto result = reply.find("result"); result != reply.end()) return *result;
    if (const auto error = reply.find("error"); error != reply.end() && error->is_object())
      return ErrorFromReply(*error);
    return Error{ErrorKind::kCorrupt, "control socket: a reply has neither result nor error", slu::kControlProtocol};
  }
}

}  // namespace sluice
