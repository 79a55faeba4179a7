#include "storage/write_behind_store.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/io/memory.h>
#include <arrow/status.h>

#include <utility>

#include "storage/arrow_error.h"
#include "storage/canonical_path.h"

namespace sluice {

/// Keeps what is written until it is too much, and goes on in the store then.
class WriteBehindStore::Output final : public arrow::io::OutputStream {
 public:
  Output(WriteBehindStore& behind, std::string uri) : behind_(behind), uri_(std::move(uri)) {}

  arrow::Status Write(const void* bytes, int64_t size) override {
    const std::string_view more(static_cast<const char*>(bytes), static_cast<size_t>(size));
    written_ += size;
    if (stream_ != nullptr) return stream_->Write(bytes, size);
    if (held_.size() + more.size() <= kObjectBytesMax) {
      held_.append(more);
      return arrow::Status::OK();
    }
    auto stream = behind_.store_->OpenOutput(uri_);
    if (!stream.ok()) return ToArrow(std::move(stream).error());
    stream_ = std::move(*stream);
    ARROW_RETURN_NOT_OK(stream_->Write(held_.data(), static_cast<int64_t>(held_.size())));
    held_ = std::string();
    return stream_->Write(bytes, size);
  }
  using arrow::io::OutputStream::Write;

  arrow::Status Flush() override { return stream_ != nullptr ? stream_->Flush() : arrow::Status::OK(); }
  arrow::Status Close() override {
    if (closed_) return arrow::Status::OK();
    closed_ = true;
    if (stream_ != nullptr) return stream_->Close();
    behind_.Keep(uri_, std::move(held_));
    return arrow::Status::OK();
  }
  arrow::Status Abort() override {
    closed_ = true;
    return stream_ != nullptr ? stream_->Abort() : arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return written_; }
  bool closed() const override { return closed_; }

 private:
  WriteBehindStore& behind_;
  const std::string uri_;
  std::string held_;
  int64_t written_ = 0;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  bool closed_ = false;
};

WriteBehindStore::WriteBehindStore(std::unique_ptr<ObjectStore> store) : ObjectStore(store->root_uri(), store->uri_prefix()), store_(std::move(store)) {}

void WriteBehindStore::Keep(const std::string& uri, std::string bytes) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const std::string>& kept = waiting_[CanonicalUri(uri)];
  if (kept) waiting_bytes_ -= kept->size();
  waiting_bytes_ += bytes.size();
  kept = std::make_shared<const std::string>(std::move(bytes));
}

std::shared_ptr<const std::string> WriteBehindStore::Find(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(CanonicalUri(uri));
  return found == waiting_.end() ? nullptr : found->second;
}

// One at a time: whoever returns knows that what he had put later is there, whoever wrote it.
Status WriteBehindStore::PutAll(std::span<const ObjectBytes> objects) {
  const std::lock_guard writing(writing_mutex_);
  Waiting taken;
  {
    const std::lock_guard lock(mutex_);
    taken = waiting_;
  }
  std::vector<ObjectBytes> all;
  all.reserve(taken.size() + objects.size());
  for (const auto& [uri, bytes] : taken) all.push_back({uri, *bytes});
  all.insert(all.end(), objects.begin(), objects.end());
  if (all.empty()) return Ok();
  RETURN_IF_ERROR(store_->PutAll(all));
  const std::lock_guard lock(mutex_);
  for (const auto& [uri, bytes] : taken) {
    const auto written = waiting_.find(uri);
    if (written == waiting_.end() || written->second != bytes) continue;
    waiting_bytes_ -= bytes->size();
    waiting_.erase(written);
  }
  return Ok();
}

Status WriteBehindStore::PutPath(const std::string& path, std::string_view bytes) {
  const ObjectBytes object{UriOf(path), std::string(bytes)};
  return PutAll({&object, 1});
}

Status WriteBehindStore::MakeRoom() {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_bytes_ <= kWaitingBytesMax) return Ok();
  }
  return PutAll({});
}

Status WriteBehindStore::PutLater(const std::string& uri, std::string bytes) {
  RETURN_IF_ERROR(MakeRoom());
  RETURN_IF_ERROR(PathOf(uri));
  if (bytes.size() > kObjectBytesMax) return Put(uri, bytes);
  Keep(uri, std::move(bytes));
  return Ok();
}

Result<std::shared_ptr<arrow::io::OutputStream>> WriteBehindStore::OpenOutput(const std::string& uri) {
  RETURN_IF_ERROR(MakeRoom());
  RETURN_IF_ERROR(PathOf(uri));
  return std::shared_ptr<arrow::io::OutputStream>(std::make_shared<Output>(*this, uri));
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> WriteBehindStore::OpenInput(const std::string& uri) {
  if (const auto bytes = Find(uri)) return std::shared_ptr<arrow::io::RandomAccessFile>(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(*bytes)));
  return store_->OpenInput(uri);
}

Result<std::vector<ObjectInfo>> WriteBehindStore::List(const std::string& uri) { return store_->List(uri); }

Status WriteBehindStore::Remove(const std::string& uri) {
  if (Find(uri)) {
    const std::lock_guard writing(writing_mutex_);  // It may be on its way.
    const std::lock_guard lock(mutex_);
    if (const auto found = waiting_.find(CanonicalUri(uri)); found != waiting_.end()) {
      waiting_bytes_ -= found->second->size();
      waiting_.erase(found);
      return Ok();
    }
  }
  return store_->Remove(uri);
}

Result<bool> WriteBehindStore::Exists(const std::string& uri) {
  if (Find(uri)) return true;
  return store_->Exists(uri);
}

}  // namespace sluice
