#include "iceberg/deletion_vector.h"

#include <zlib.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/bytes.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

constexpr std::string_view kVectorMagic = "\xd1\xd3\x39\x64";
constexpr std::string_view kPuffinMagic = "PFA1";
constexpr int32_t kPositionFieldId = 2147483645;  // Of the metadata column _pos.
// Length and magic in front of the bitmap, checksum behind it.
constexpr size_t kHeadBytes = 8, kTailBytes = 4;

template <class T>
void AppendLittle(std::string& out, T value) {
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

uint32_t ReadBig(std::string_view bytes) { return LoadBigEndian<uint32_t>(reinterpret_cast<const std::byte*>(bytes.data())); }

uint32_t Checksum(std::string_view bytes) {
  return static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// Little-endian numbers; fails once and for all where the bytes end.
class LittleReader {
 public:
  explicit LittleReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T Take() {
    if (bytes_.size() < sizeof(T)) {
      failed_ = true;
      return T{};
    }
    uint64_t value = 0;
    for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(sizeof(T));
    return static_cast<T>(value);
  }
  void Skip(size_t count) {
    failed_ = failed_ || count > bytes_.size();
    bytes_.remove_prefix(std::min(count, bytes_.size()));
  }
  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

/// One 32-bit bitmap in Roaring's portable form (RoaringFormatSpec), whose library reads it without checking what it says.
class BitmapReader {
 public:
  explicit BitmapReader(LittleReader& in) : in_(in) {}

  /// False: damaged.
  bool Read(Roaring& rows) {
    if (!ReadKeys()) return false;
    for (size_t i = 0; i < containers_.size(); ++i) {
      const Container& container = containers_[i];
      if (i > 0 && container.key <= containers_[i - 1].key) return false;
      const uint32_t first = static_cast<uint32_t>(container.key) << 16;
      const uint64_t before = rows.cardinality();
      const bool read = container.has_runs ? ReadRuns(first, rows) : container.rows > kArrayRowsMax ? ReadBits(first, rows) : ReadArray(first, container.rows, rows);
      if (!read || rows.cardinality() - before != container.rows) return false;
    }
    return true;
  }

 private:
  static constexpr uint32_t kCookie = 12346, kRunCookie = 12347;
  static constexpr uint32_t kContainersMax = 1 << 16, kArrayRowsMax = 4096, kOffsetsFrom = 4;

  struct Container {
    uint16_t key = 0;
    uint32_t rows = 0;
    bool has_runs = false;
  };

  bool ReadKeys() {
    const auto cookie = in_.Take<uint32_t>();
    const bool runs = (cookie & 0xffff) == kRunCookie;
    if (!runs && cookie != kCookie) return false;
    const uint32_t count = runs ? (cookie >> 16) + 1 : in_.Take<uint32_t>();
    if (in_.failed() || count > kContainersMax) return false;
    std::vector<uint8_t> run_bits;
    for (uint32_t i = 0; runs && i < (count + 7) / 8; ++i) run_bits.push_back(in_.Take<uint8_t>());
    for (uint32_t i = 0; i < count && !in_.failed(); ++i) {
      Container& container = containers_.emplace_back();
      container.key = in_.Take<uint16_t>();
      container.rows = in_.Take<uint16_t>() + 1u;
      container.has_runs = runs && (run_bits[i / 8] >> (i % 8) & 1) != 0;
    }
    // Where each container begins: they lie one behind the other.
    if (!runs || count >= kOffsetsFrom) in_.Skip(size_t{count} * sizeof(uint32_t));
    return !in_.failed();
  }

  bool ReadArray(uint32_t first, uint32_t count, Roaring& rows) {
    int32_t last = -1;
    for (uint32_t i = 0; i < count; ++i) {
      const auto low = in_.Take<uint16_t>();
      if (in_.failed() || low <= last) return false;
      rows.add(first + low);
      last = low;
    }
    return true;
  }

  bool ReadBits(uint32_t first, Roaring& rows) {
    for (uint32_t word = 0; word < 1024; ++word) {
      for (auto bits = in_.Take<uint64_t>(); bits != 0; bits &= bits - 1) rows.add(first + word * 64 + static_cast<uint32_t>(std::countr_zero(bits)));
      if (in_.failed()) return false;
    }
    return true;
  }

  bool ReadRuns(uint32_t first, Roaring& rows) {
    const auto count = in_.Take<uint16_t>();
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t start = in_.Take<uint16_t>(), length = in_.Take<uint16_t>() + uint64_t{1};
      if (in_.failed() || start + length > (1 << 16)) return false;
      rows.addRange(first + start, first + start + length);
    }
    return !in_.failed();
  }

  LittleReader& in_;
  std::vector<Container> containers_;
};

}  // namespace

std::string EncodeDeletionVector(const Roaring& rows) {
  Roaring packed = rows;
  packed.runOptimize();
  // One 32-bit bitmap for each 2^32 rows, of which a file has fewer.
  std::string summed(kVectorMagic);
  AppendLittle(summed, uint64_t{packed.isEmpty() ? 0u : 1u});
  if (!packed.isEmpty()) {
    AppendLittle(summed, uint32_t{0});
    const size_t begin = summed.size();
    summed.resize(begin + packed.getSizeInBytes(/*portable=*/true));
    packed.write(summed.data() + begin, /*portable=*/true);
  }
  std::string blob;
  AppendBigEndian(blob, static_cast<uint32_t>(summed.size()));
  blob += summed;
  AppendBigEndian(blob, Checksum(summed));
  return blob;
}

Result<Roaring> DecodeDeletionVector(std::string_view blob) {
  if (blob.size() < kHeadBytes + kTailBytes || ReadBig(blob) != blob.size() - 8 || blob.substr(4, 4) != kVectorMagic)
    return Corrupt("a deletion vector is not framed as one");
  if (Checksum(blob.substr(4, blob.size() - 8)) != ReadBig(blob.substr(blob.size() - kTailBytes))) return Corrupt("a deletion vector's checksum is wrong");
  LittleReader in(blob.substr(kHeadBytes, blob.size() - kHeadBytes - kTailBytes));
  Roaring rows;
  const auto bitmaps = in.Take<uint64_t>();
  if (bitmaps > 1 || (bitmaps == 1 && in.Take<uint32_t>() != 0)) return Corrupt("a deletion vector names rows beyond 2^32");
  if (bitmaps == 1 && !BitmapReader(in).Read(rows)) return Corrupt("a deletion vector's bitmap is damaged");
  if (in.failed() || !in.at_end()) return Corrupt("a deletion vector has another length than its bitmap");
  return rows;
}

VectorFile EncodeVectorFile(const DeletedRows& vector) {
  const std::string blob = EncodeDeletionVector(*vector.rows);
  VectorFile file{std::string(kPuffinMagic), static_cast<int64_t>(kPuffinMagic.size()), static_cast<int64_t>(blob.size())};
  file.bytes += blob;
  // Both numbers are inherited from the manifest, so they are -1 here.
  const nlohmann::ordered_json footer{{"blobs",
                                       {{{"type", "deletion-vector-v1"},
                                         {"fields", {kPositionFieldId}},
                                         {"snapshot-id", -1},
                                         {"sequence-number", -1},
                                         {"offset", file.offset},
                                         {"length", file.size_bytes},
                                         {"properties", {{"referenced-data-file", vector.path}, {"cardinality", std::to_string(vector.rows->cardinality())}}}}}},
                                      {"properties", {{"created-by", "sluice"}}}};
  const std::string text = footer.dump();
  file.bytes += kPuffinMagic;
  file.bytes += text;
  AppendLittle(file.bytes, static_cast<uint32_t>(text.size()));
  AppendLittle(file.bytes, uint32_t{0});  // Flags: the footer is not packed.
  file.bytes += kPuffinMagic;
  return file;
}

}  // namespace sluice::iceberg
