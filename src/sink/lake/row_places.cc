#include "sink/lake/row_places.h"

namespace sluice {
namespace {

// A mapping takes a page at least, and a process may have some ten thousand.
constexpr size_t kHeldMax = 256;

}  // namespace

Result<RowPlacesPtr> RowPlaces::Make(std::span<const uint32_t> places, const std::string& folder) {
  auto made = std::make_shared<RowPlaces>();
  made->size_ = places.size();
  if (places.size() <= kHeldMax) {
    made->held_.assign(places.begin(), places.end());
    made->begin_ = made->held_.data();
    return RowPlacesPtr(std::move(made));
  }
  ASSIGN_OR_RETURN(IndexFile file, IndexFile::Create(folder));
  RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(places)));
  ASSIGN_OR_RETURN(made->mapped_, file.Map(places.size_bytes()));
  made->begin_ = reinterpret_cast<const uint32_t*>(made->mapped_.begin());
  return RowPlacesPtr(std::move(made));
}

}  // namespace sluice
