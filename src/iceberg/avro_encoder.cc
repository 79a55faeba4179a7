#include <zlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random_bits.h"
#include "iceberg/avro.h"

namespace sluice::iceberg {
namespace {

constexpr size_t kSyncSize = 16;

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  // A negative window size means raw deflate, without zlib's header, as Avro wants it.
  SLUICE_CHECK(
      deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  // A manifest stays far below 4 GiB: snapshot_producer limits the files in one.
  SLUICE_CHECK(bytes.size() <= UINT32_MAX && packed.size() <= UINT32_MAX);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  SLUICE_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string NewSync() {
  std::string sync;
  while (sync.size() < kSyncSize) AppendBigEndian(sync, RandomBits());
  return sync;
}

}  // namespace

void AvroEncoder::Long(int64_t value) {
  auto rest = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (rest >= 0x80) {
    to_.push_back(static_cast<char>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  to_.push_back(static_cast<char>(rest));
}

void AvroEncoder::Bytes(std::string_view bytes) {
  Long(static_cast<int64_t>(bytes.size()));
  to_.append(bytes);
}

void AvroEncoder::Optional(const std::optional<int64_t>& value) {
  Branch(value.has_value());
  if (value) Long(*value);
}

void AvroEncoder::Optional(const std::optional<std::string>& value) {
  Branch(value.has_value());
  if (value) Bytes(*value);
}

std::string WriteAvroFile(std::string_view schema,
                          const std::vector<std::pair<std::string, std::string>>& metadata,
                          int64_t count, std::string_view records) {
  std::string file("Obj\1", 4);
  AvroEncoder out(file);
  out.Long(static_cast<int64_t>(metadata.size()) + 2);
  out.Bytes("avro.schema");
  out.Bytes(schema);
  out.Bytes("avro.codec");
  out.Bytes("deflate");
  for (const auto& [key, value] : metadata) {
    out.Bytes(key);
    out.Bytes(value);
  }
  out.Long(0);
  const std::string sync = NewSync();
  out.Raw(sync);
  if (count > 0) {
    out.Long(count);
    out.Bytes(Deflate(records));
    out.Raw(sync);
  }
  return file;
}

}  // namespace sluice::iceberg
