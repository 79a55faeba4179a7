#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "iceberg/avro.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

constexpr size_t kSyncSize = 16;

const AvroType kNullType{};

using Kind = AvroType::Kind;

/// Appends what `packed` unpacks to. Grows with what is really there.
Status Inflate(std::string_view packed, size_t unpacked_bytes_max, std::string& to) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return Corrupt("no memory to unpack an Avro block");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(std::min<size_t>(packed.size(), UINT32_MAX));
  int state = Z_OK;
  char chunk[16384];
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk);
    stream.avail_out = sizeof chunk;
    state = inflate(&stream, Z_NO_FLUSH);
    const size_t unpacked = sizeof chunk - stream.avail_out;
    if (unpacked == 0 && state != Z_STREAM_END) state = Z_DATA_ERROR;
    if (to.size() + unpacked > unpacked_bytes_max) state = Z_MEM_ERROR;
    if (state == Z_OK || state == Z_STREAM_END) to.append(chunk, unpacked);
  }
  inflateEnd(&stream);
  if (state == Z_MEM_ERROR) return Corrupt("an Avro file unpacks to more than is allowed");
  if (state != Z_STREAM_END) return Corrupt("an Avro block is not valid deflate");
  return Ok();
}

/// Reads the parts of a container that need no schema.
class ContainerReader {
 public:
  explicit ContainerReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view Read(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view read = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return read;
  }

  int64_t ReadLong() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = Read(1);
      if (byte.empty()) return 0;
      value |= static_cast<uint64_t>(byte[0] & 0x7f) << shift;
      if ((byte[0] & 0x80) == 0)
        return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    ok_ = false;
    return 0;
  }

  std::string_view ReadBytes() {
    const int64_t size = ReadLong();
    if (size < 0) ok_ = false;
    return size < 0 ? std::string_view() : Read(static_cast<size_t>(size));
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Status ReadMetadata(ContainerReader& in, AvroFile& file) {
  for (;;) {
    int64_t count = in.ReadLong();
    if (count == 0) break;
    if (count < 0) {
      in.ReadLong();
      if (count == std::numeric_limits<int64_t>::min()) return Corrupt("an Avro header is damaged");
      count = -count;
    }
    for (; count > 0 && in.ok(); --count) {
      std::string key(in.ReadBytes());
      file.metadata[std::move(key)] = std::string(in.ReadBytes());
    }
    if (!in.ok()) return Corrupt("an Avro header is damaged");
  }
  return in.ok() ? Ok() : Status(Corrupt("an Avro header is damaged"));
}

}  // namespace

Result<AvroFile> ReadAvroFile(std::string_view bytes, size_t unpacked_bytes_max) {
  ContainerReader in(bytes);
  if (in.Read(4) != std::string_view("Obj\1", 4)) return Corrupt("this is not an Avro file");
  AvroFile file;
  RETURN_IF_ERROR(ReadMetadata(in, file));
  const std::string_view sync = in.Read(kSyncSize);
  if (!in.ok()) return Corrupt("an Avro header is cut off");
  ASSIGN_OR_RETURN(file.schema, ParseAvroSchema(file.metadata["avro.schema"]));
  if (file.schema->kind != Kind::kRecord) return Corrupt("an Avro file doesn't hold records");
  const std::string codec = file.metadata["avro.codec"];
  if (!codec.empty() && codec != "null" && codec != "deflate")
    return Unknown("an Avro file is compressed with " + codec.substr(0, 40));
  while (!in.at_end()) {
    const int64_t count = in.ReadLong();
    const std::string_view block = in.ReadBytes();
    if (in.Read(kSyncSize) != sync || !in.ok()) return Corrupt("an Avro block is damaged");
    if (count < 0 || count > std::numeric_limits<int32_t>::max())
      return Corrupt("an Avro block is damaged");
    if (codec == "deflate") {
      RETURN_IF_ERROR(Inflate(block, unpacked_bytes_max, file.records));
    } else {
      file.records.append(block);
    }
    file.record_count += count;
  }
  return file;
}

AvroDecoder::AvroDecoder(std::string_view bytes)
    : bytes_(bytes), steps_left_(bytes.size() * 8 + 10'000) {}

bool AvroDecoder::Step() {
  if (steps_left_ == 0) ok_ = false;
  if (!ok_) return false;
  --steps_left_;
  return true;
}

std::string_view AvroDecoder::Read(size_t count) {
  if (!ok_ || count > bytes_.size() - at_) {
    ok_ = false;
    return {};
  }
  const std::string_view read = bytes_.substr(at_, count);
  at_ += count;
  return read;
}

int64_t AvroDecoder::ReadLong() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (!ok_ || at_ == bytes_.size()) break;
    const char byte = bytes_[at_++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  ok_ = false;
  return 0;
}

int64_t AvroDecoder::ReadCount() {
  int64_t count = ReadLong();
  if (count < 0) {
    ReadLong();  // The chunk's size, for those who skip it.
    count = count == std::numeric_limits<int64_t>::min() ? 0 : -count;
  }
  // Nothing of Iceberg's takes no bytes, so a count sizes no more than what is really there.
  if (static_cast<uint64_t>(count) > bytes_.size() - at_) ok_ = false;
  return ok_ ? count : 0;
}

const AvroType& AvroDecoder::Resolve(const AvroType& type) {
  if (!Step()) return kNullType;
  if (type.kind != Kind::kUnion) return type;
  const int64_t branch = ReadLong();
  if (!ok_ || branch < 0 || static_cast<size_t>(branch) >= type.branches.size()) {
    ok_ = false;
    return kNullType;
  }
  return *type.branches[static_cast<size_t>(branch)];
}

std::optional<int64_t> AvroDecoder::Long(const AvroType& type) {
  const AvroType& actual = Resolve(type);
  if (actual.kind == Kind::kNull) return std::nullopt;
  if (actual.kind != Kind::kInt && actual.kind != Kind::kLong) ok_ = false;
  const int64_t value = ok_ ? ReadLong() : 0;
  return ok_ ? std::optional(value) : std::nullopt;
}

int64_t AvroDecoder::RequiredLong(const AvroType& type) {
  const std::optional<int64_t> value = Long(type);
  if (!value) ok_ = false;
  return value.value_or(0);
}

int32_t AvroDecoder::RequiredInt(const AvroType& type) {
  const int64_t value = RequiredLong(type);
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    ok_ = false;
    return 0;
  }
  return static_cast<int32_t>(value);
}

std::optional<bool> AvroDecoder::Boolean(const AvroType& type) {
  const AvroType& actual = Resolve(type);
  if (actual.kind == Kind::kNull) return std::nullopt;
  if (actual.kind != Kind::kBoolean) ok_ = false;
  const std::string_view byte = Read(1);
  return ok_ ? std::optional(byte[0] != 0) : std::nullopt;
}

std::optional<std::string_view> AvroDecoder::Bytes(const AvroType& type) {
  const AvroType& actual = Resolve(type);
  if (actual.kind == Kind::kNull) return std::nullopt;
  if (actual.kind == Kind::kFixed) {
    const std::string_view bytes = Read(actual.size);
    return ok_ ? std::optional(bytes) : std::nullopt;
  }
  if (actual.kind != Kind::kBytes && actual.kind != Kind::kString) ok_ = false;
  const int64_t size = ok_ ? ReadLong() : 0;
  if (size < 0) ok_ = false;
  const std::string_view bytes = size < 0 ? std::string_view() : Read(static_cast<size_t>(size));
  return ok_ ? std::optional(bytes) : std::nullopt;
}

std::string AvroDecoder::RequiredString(const AvroType& type) {
  const std::optional<std::string_view> bytes = Bytes(type);
  if (!bytes) ok_ = false;
  return std::string(bytes.value_or(std::string_view()));
}

double AvroDecoder::Double() {
  double value = 0;
  const std::string_view bytes = Read(sizeof value);
  if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

float AvroDecoder::Float() {
  float value = 0;
  const std::string_view bytes = Read(sizeof value);
  if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void AvroDecoder::Skip(const AvroType& type) {
  const AvroType& actual = Resolve(type);
  if (!ok_) return;
  switch (actual.kind) {
    case Kind::kNull:
      return;
    case Kind::kBoolean:
      Read(1);
      return;
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kEnum:
      ReadLong();
      return;
    case Kind::kFloat:
      Read(sizeof(float));
      return;
    case Kind::kDouble:
      Read(sizeof(double));
      return;
    case Kind::kBytes:
    case Kind::kString:
    case Kind::kFixed:
      Bytes(actual);
      return;
    case Kind::kRecord:
      for (const AvroType::Field& field : actual.fields) Skip(*field.type);
      return;
    case Kind::kArray:
    case Kind::kMap:
      while (const int64_t count = ReadCount()) {
        for (int64_t i = 0; i < count && Step(); ++i) {
          if (actual.kind == Kind::kMap)
            Read(static_cast<size_t>(std::max<int64_t>(ReadLong(), 0)));
          Skip(actual.items());
        }
      }
      return;
    case Kind::kUnion:
      ok_ = false;
      return;  // Resolve has looked through it.
  }
}

}  // namespace sluice::iceberg
