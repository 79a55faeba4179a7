#pragma once
// Between us and file systems of Arrow that let exceptions of their clients through, as Azure's does where it finds no credentials.

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <memory>
#include <utility>

namespace sluice {

/// `call()` returns an arrow::Status or arrow::Result; what it throws becomes its error.
template <class Call>
auto NoThrow(Call&& call) -> decltype(call()) try {
  return call();
} catch (const std::exception& error) {
  return arrow::Status::IOError(error.what());
}

/// A file whose reads don't throw.
class NoThrowInput final : public arrow::io::RandomAccessFile {
 public:
  explicit NoThrowInput(std::shared_ptr<arrow::io::RandomAccessFile> file) : file_(std::move(file)) { set_mode(arrow::io::FileMode::READ); }

  arrow::Status Close() override { return NoThrow([&] { return file_->Close(); }); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Seek(int64_t position) override { return file_->Seek(position); }
  arrow::Result<int64_t> GetSize() override { return NoThrow([&] { return file_->GetSize(); }); }
  arrow::Result<int64_t> Read(int64_t count, void* out) override { return NoThrow([&] { return file_->Read(count, out); }); }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t count) override { return NoThrow([&] { return file_->Read(count); }); }
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t count, void* out) override { return NoThrow([&] { return file_->ReadAt(position, count, out); }); }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t count) override { return NoThrow([&] { return file_->ReadAt(position, count); }); }

 private:
  const std::shared_ptr<arrow::io::RandomAccessFile> file_;
};

}  // namespace sluice
