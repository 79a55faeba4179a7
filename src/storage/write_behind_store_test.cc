#include "storage/write_behind_store.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "storage/arrow_error.h"

namespace sluice {
namespace {

/// In memory; counts how often somebody waits, and fails or dawdles on demand.
class FakeStore final : public ObjectStore {
 public:
  struct State {
    std::mutex mutex;
    std::map<std::string, std::string> objects;
    int waits = 0;
    bool fails = false;
    std::function<void()> during;
  };
  explicit FakeStore(State& state) : ObjectStore("mem://lake", "mem://"), state_(state) {}

  Status PutAll(std::span<const ObjectBytes> all) override {
    if (state_.during) state_.during();
    const std::lock_guard lock(state_.mutex);
    ++state_.waits;
    if (state_.fails) return Error{ErrorKind::kUnavailable, "full", 4004};
    for (const ObjectBytes& object : all) state_.objects[object.uri] = object.bytes;
    return Ok();
  }
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) override { return Error{ErrorKind::kCorrupt, uri, 4003}; }
  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override {
    const std::lock_guard lock(state_.mutex);
    ++state_.waits;
    return Error{ErrorKind::kNeedsOperator, "not allowed: " + uri, 4002};
  }
  Result<std::vector<ObjectInfo>> List(const std::string&) override { return std::vector<ObjectInfo>(); }
  Status Remove(const std::string& uri) override {
    state_.objects.erase(uri);
    return Ok();
  }
  Result<bool> Exists(const std::string& uri) override { return state_.objects.contains(uri); }

 protected:
  Status PutPath(const std::string& path, std::string_view bytes) override {
    const ObjectBytes object{UriOf(path), std::string(bytes)};
    return PutAll({&object, 1});
  }

 private:
  State& state_;
};

class WriteBehindStoreTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, std::string_view bytes) {
    auto output = store_.OpenOutput(Uri(name));
    ASSERT_TRUE(output.ok());
    ASSERT_TRUE((*output)->Write(bytes.data(), static_cast<int64_t>(bytes.size())).ok());
    ASSERT_TRUE((*output)->Close().ok());
  }
  static std::string Uri(const std::string& name) { return "mem://lake/" + name; }

  FakeStore::State state_;
  WriteBehindStore store_{std::make_unique<FakeStore>(state_)};
};

TEST_F(WriteBehindStoreTest, WritesAllThatWaitsWithTheNextPut) {
  Write("data", "rows");
  ASSERT_TRUE(store_.PutLater(Uri("deletes"), "positions").ok());
  EXPECT_EQ(state_.waits, 0);
  EXPECT_EQ(store_.Get(Uri("data")).value(), "rows") << "whoever wrote it can read it";
  EXPECT_TRUE(store_.Exists(Uri("deletes")).value());
  ASSERT_TRUE(store_.PutAll(std::vector<ObjectBytes>{{Uri("manifest"), "entries"}}).ok());
  EXPECT_EQ(state_.waits, 1);
  EXPECT_EQ(state_.objects, (std::map<std::string, std::string>{{Uri("data"), "rows"}, {Uri("deletes"), "positions"}, {Uri("manifest"), "entries"}}));
  ASSERT_TRUE(store_.Put(Uri("next"), "x").ok());
  EXPECT_EQ(state_.objects.size(), 4u);
  EXPECT_FALSE(store_.Get(Uri("data")).ok()) << "it is the store's now";
  ASSERT_TRUE(store_.PutAll({}).ok());
  EXPECT_EQ(state_.waits, 2) << "nothing waits, so nobody does";
}

TEST_F(WriteBehindStoreTest, WhatFailedIsWrittenAgain) {
  Write("data", "rows");
  state_.fails = true;
  const Status failed = store_.PutAll({});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, 4004);
  state_.fails = false;
  ASSERT_TRUE(store_.PutAll({}).ok());
  EXPECT_EQ(state_.objects.at(Uri("data")), "rows");
}

TEST_F(WriteBehindStoreTest, WhatIsRemovedOrAbandonedIsNeverWritten) {
  Write("data", "rows");
  ASSERT_TRUE(store_.Remove(Uri("data")).ok());
  {
    auto output = store_.OpenOutput(Uri("abandoned"));
    ASSERT_TRUE((*output)->Write("x", 1).ok());
  }
  ASSERT_TRUE(store_.PutAll({}).ok());
  EXPECT_TRUE(state_.objects.empty());
}

TEST_F(WriteBehindStoreTest, LargeObjectsGoToTheStoreAsTheyCome) {
  auto output = store_.OpenOutput(Uri("large"));
  const std::string half(WriteBehindStore::kObjectBytesMax / 2 + 1, 'x');
  ASSERT_TRUE((*output)->Write(half.data(), static_cast<int64_t>(half.size())).ok());
  EXPECT_EQ(state_.waits, 0);
  const arrow::Status refused = (*output)->Write(half.data(), static_cast<int64_t>(half.size()));
  EXPECT_EQ(state_.waits, 1);
  const Error error = ErrorFromArrow(refused, "");
  EXPECT_EQ(error.code, 4002) << "the store's own error comes through Arrow";
  EXPECT_EQ(error.kind, ErrorKind::kNeedsOperator);
}

TEST_F(WriteBehindStoreTest, WhatWaitsIsLimited) {
  const std::string megabyte(WriteBehindStore::kObjectBytesMax, 'x');
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store_.PutLater(Uri(std::to_string(i)), megabyte).ok());
  EXPECT_GE(state_.waits, 2);
  EXPECT_GE(state_.objects.size(), 34u);
}

// Another thread took the object along, and is not done: whoever put it later must not be told that it is there.
TEST_F(WriteBehindStoreTest, APutReturnsOnlyOnceWhatWasPutLaterIsThere) {
  Write("data", "rows");
  std::atomic<bool> taken = false, done = false;
  state_.during = [&] {
    if (taken.exchange(true)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    done = true;
  };
  std::thread other([&] { EXPECT_TRUE(store_.PutAll({}).ok()); });
  while (!taken) std::this_thread::yield();
  ASSERT_TRUE(store_.Put(Uri("manifest"), "entries").ok());
  EXPECT_TRUE(done);
  EXPECT_TRUE(state_.objects.contains(Uri("data")));
  other.join();
}

}  // namespace
}  // namespace sluice
