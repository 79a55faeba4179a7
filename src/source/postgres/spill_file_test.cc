#include "source/postgres/spill_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace sluice {
namespace {

std::string Folder() { return (std::filesystem::temp_directory_path() / ("sluice-spill-" + std::to_string(::getpid()))).string(); }

// What lies in the nameless files that this process has open in `folder`.
std::string OpenFilesIn(const std::string& folder) {
  std::string content;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!std::filesystem::read_symlink(entry.path(), gone).string().starts_with(folder)) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    std::string part(1 << 20, '\0');
    part.resize(static_cast<size_t>(std::max<ssize_t>(0, ::pread(file, part.data(), part.size(), 0))));
    ::close(file);
    content += part;
  }
  return content;
}

TEST(SpillFile, WhatWasAppendedComesBackAtAnyOffsetAndInAnyPiece) {
  auto file = SpillFile::Create(Folder());
  ASSERT_TRUE(file.ok());
  std::string all;
  for (size_t size : {1u, 15u, 16u, 17u, 1000u, 700'000u, 3u}) {
    std::string part(size, '\0');
    for (char& c : part) c = static_cast<char>('a' + (all.size() + static_cast<size_t>(&c - part.data())) * 7 % 26);
    const auto at = file->Append(AsBytes(part));
    ASSERT_TRUE(at.ok());
    EXPECT_EQ(*at, all.size());
    all += part;
  }
  for (size_t begin : {0u, 1u, 16u, 31u, 49u, 262'144u, 700'001u}) {
    for (size_t size : {1u, 16u, 33u, 300'000u}) {
      if (begin + size > all.size()) continue;
      std::vector<std::byte> read(size);
      ASSERT_TRUE(file->ReadAt(begin, read).ok());
      ASSERT_EQ(AsText(read), std::string_view(all).substr(begin, size)) << begin << "+" << size;
    }
  }
}

TEST(SpillFile, NothingLiesOnDiskInPlainTextAndNothingHasAName) {
  auto file = SpillFile::Create(Folder());
  ASSERT_TRUE(file.ok());
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "the quick brown secret ";
  ASSERT_TRUE(file->Append(AsBytes(rows)).ok());
  const std::string on_disk = OpenFilesIn(Folder());
  ASSERT_GE(on_disk.size(), rows.size());
  EXPECT_EQ(on_disk.find("secret"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(Folder()));
}

TEST(SpillFile, EachFileHasAKeyOfItsOwn) {
  auto one = SpillFile::Create(Folder() + "-one");
  auto two = SpillFile::Create(Folder() + "-two");
  ASSERT_TRUE(one.ok() && two.ok());
  const std::string zeros(4096, '\0');
  ASSERT_TRUE(one->Append(AsBytes(zeros)).ok());
  ASSERT_TRUE(two->Append(AsBytes(zeros)).ok());
  EXPECT_NE(OpenFilesIn(Folder() + "-one"), OpenFilesIn(Folder() + "-two"));
}

}  // namespace
}  // namespace sluice
