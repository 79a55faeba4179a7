// Lines of the control socket: cut out of a stream, parsed as request and as reply.

#include <sys/socket.h>

#include <string>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "server/control_protocol.h"
#include "server/line_channel.h"

namespace sluice::fuzz {
namespace {

void ReadRequest(std::string_view line) {
  const auto request = ParseRequest(line);
  if (!request.ok()) {
    FUZZ_CHECK(request.error().kind == ErrorKind::kCorrupt);
    return;
  }
  const auto again = ParseRequest(RequestLine(*request));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->command == request->command && again->globs == request->globs);
}

void ReadReply(std::string_view line) {
  const auto json = ParseLine(line);
  if (!json.ok()) return;
  const std::string written = ToLine(*json);
  const auto same = ParseLine(std::string_view(written).substr(0, written.size() - 1));
  FUZZ_CHECK(same.ok());
  const auto found = json->find("error");
  if (found == json->end() || !found->is_object()) return;
  const Error error = ErrorFromReply(*found);
  const Error again = ErrorFromReply(ErrorToReply(error)["error"]);
  FUZZ_CHECK(again.kind == error.kind && again.code == error.code && again.message == error.message && again.fix == error.fix);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  constexpr size_t kLineBytesMax = 4096;
  constexpr size_t kSocketBytesMax = 64 << 10;  // What a socket takes without a reader.
  if (size > kSocketBytesMax) return 0;
  const fuzz::MemoryLimit limit(size, 500, size_t{4} << 20);
  int ends[2];
  FUZZ_CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  std::string read;
  {
    LineChannel channel(FileDescriptor(ends[0]), kLineBytesMax);
    {
      const FileDescriptor writer(ends[1]);
      FUZZ_CHECK(::send(writer.get(), data, size, MSG_DONTWAIT) == static_cast<ssize_t>(size));
    }
    for (;;) {
      const auto line = channel.ReadLine(std::chrono::milliseconds(1000));
      if (!line.ok()) {
        FUZZ_CHECK(line.error().kind == ErrorKind::kUnavailable || line.error().kind == ErrorKind::kCorrupt);
        break;
      }
      read += *line + "\n";
      fuzz::ReadRequest(*line);
      fuzz::ReadReply(*line);
    }
  }
  FUZZ_CHECK(AsText(std::as_bytes(std::span(data, size))).starts_with(read));
  return 0;
}
