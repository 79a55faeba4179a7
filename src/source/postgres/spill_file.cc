#include "source/postgres/spill_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"

namespace sluice {
namespace {

constexpr size_t kPieceBytes = 256 << 10;  // Encrypted at a time: stays in the processor's cache.

Error Failed(std::string_view what, int error_number) {
  return Error{ErrorKind::kUnavailable, fmt::format("cannot {} the spill file of an open transaction", what), slu::kSpillFailed,
               fmt::format("system: {}", std::strerror(error_number))};
}

}  // namespace

Result<SpillFile> SpillFile::Create(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  std::string path = folder + "/spill-XXXXXX";
  FileDescriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.valid()) return Failed("make", errno);
  ::unlink(path.c_str());  // Nobody else needs it, and so a crash leaves nothing behind.
  ASSIGN_OR_RETURN(SpillCipher cipher, SpillCipher::Create());
  return SpillFile(std::move(file), std::move(cipher));
}

Result<uint64_t> SpillFile::Append(Bytes bytes) {
  SLUICE_FAILPOINT("source.before_spill_write");
  const uint64_t begin = size_bytes_;
  std::vector<std::byte> piece(std::min(bytes.size(), kPieceBytes));
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = std::min(bytes.size() - at, kPieceBytes);
    RETURN_IF_ERROR(cipher_.Apply(begin + at, bytes.subspan(at, size), std::span(piece).first(size)));
    for (size_t done = 0; done < size;) {
      const ssize_t count = ::pwrite(file_.get(), piece.data() + done, size - done, static_cast<off_t>(begin + at + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return Failed("write", count < 0 ? errno : ENOSPC);
      done += static_cast<size_t>(count);
    }
    at += size;
  }
  size_bytes_ += bytes.size();
  return begin;
}

Status SpillFile::ReadAt(uint64_t offset, std::span<std::byte> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t count = ::pread(file_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("read", count < 0 ? errno : EIO);
    done += static_cast<size_t>(count);
  }
  return cipher_.Apply(offset, into, into);
}

void SpillFile::ForgetBefore(uint64_t offset) {
  if (offset > 0)
    static_cast<void>(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(offset)));
}

}  // namespace sluice
