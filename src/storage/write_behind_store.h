#pragma once
// A store whose small objects wait for the next Put, to be written with it at once: a commit waits once for its data files, deletes,
// manifests and their list, and not for one after the other. What was closed or put later is durable when the next Put or PutAll,
// by whichever thread, has returned; until then it can be read here, and is nowhere else. Large objects are written as they come.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "storage/object_store.h"

namespace sluice {

class WriteBehindStore final : public ObjectStore {
 public:
  static constexpr size_t kObjectBytesMax = size_t{1} << 20;
  static constexpr size_t kWaitingBytesMax = size_t{16} << 20;  ///< Beyond it they are written without waiting for more.

  explicit WriteBehindStore(std::unique_ptr<ObjectStore> store);

  Status PutAll(std::span<const ObjectBytes> objects) override;
  Status PutLater(const std::string& uri, std::string bytes) override;
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) override;
  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override;
  Result<std::vector<ObjectInfo>> List(const std::string& uri) override;
  Status Remove(const std::string& uri) override;
  Result<bool> Exists(const std::string& uri) override;
  Result<std::vector<UnfinishedUpload>> ListUploads(const std::string& uri) override { return store_->ListUploads(uri); }
  Status AbortUpload(const UnfinishedUpload& upload) override { return store_->AbortUpload(upload); }

 protected:
  Status PutPath(const std::string& path, std::string_view bytes) override;

 private:
  class Output;
  using Waiting = std::map<std::string, std::shared_ptr<const std::string>>;  // By URI in the one spelling.

  void Keep(const std::string& uri, std::string bytes);
  std::shared_ptr<const std::string> Find(const std::string& uri);
  Status MakeRoom();

  const std::unique_ptr<ObjectStore> store_;
  std::mutex writing_mutex_;  // Held while the store writes; before mutex_.

  std::mutex mutex_;  // Guards everything below.
  Waiting waiting_;
  size_t waiting_bytes_ = 0;
};

}  // namespace sluice
