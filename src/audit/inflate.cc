#include "audit/inflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

namespace sluice::audit {
namespace {

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Error Bad(std::string message) { return Error{ErrorKind::kCorrupt, std::move(message)}; }

}  // namespace

Result<std::string> Inflate(std::string_view packed, Packing packing, size_t bytes_max) {
  constexpr int kGzipFlag = 16;
  if (packed.size() > UINT32_MAX) return Bad("it is too large to be unpacked");
  z_stream stream{};
  if (inflateInit2(&stream, packing == Packing::kRawDeflate ? -MAX_WBITS : MAX_WBITS + kGzipFlag) != Z_OK) return Bad("no memory to unpack");
  const std::unique_ptr<z_stream, EndInflate> end(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string unpacked;
  for (int done = Z_OK; done != Z_STREAM_END;) {
    const size_t before = unpacked.size();
    if (before >= bytes_max) return Bad(fmt::format("it is larger than {} bytes when unpacked", bytes_max));
    unpacked.resize(std::min(bytes_max, std::max<size_t>(before * 2, 4096)));
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + before);
    stream.avail_out = static_cast<uInt>(unpacked.size() - before);
    done = inflate(&stream, Z_NO_FLUSH);
    const bool starved = done == Z_OK && stream.avail_in == 0 && stream.avail_out > 0;
    if ((done != Z_OK && done != Z_STREAM_END) || starved) return Bad("it cannot be unpacked");
    unpacked.resize(unpacked.size() - stream.avail_out);
  }
  return unpacked;
}

}  // namespace sluice::audit
