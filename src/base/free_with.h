#pragma once

namespace sluice {

/// Gives a C handle its owner in one line: using PgResult = std::unique_ptr<PGresult, FreeWith<PQclear>>;
template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

}  // namespace sluice
