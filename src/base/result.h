#pragma once
// Errors are values, named for the caller's next step.

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"

namespace sluice {

enum class ErrorKind {
  kUnavailable,     // The other side is down or slow: retry the same call.
  kConflict,        // Another writer committed first: reload, then redo.
  kOutcomeUnknown,  // The commit may have landed: look before redoing.
  kNeedsOperator,   // Privilege, configuration or DDL: stop and say what to fix.
  kSourceLost,      // The slot or its WAL is gone: copy the tables again.
  kCorrupt,         // Bytes contradict their own format: never retry.
  kCancelled,       // We are shutting down.
};

/// What happened, to which object, and what to do about it. Holds no row values and no secrets.
struct Error {
  ErrorKind kind = ErrorKind::kNeedsOperator;
  std::string message;            ///< What happened to which object, one line.
  int code = 0;                   ///< SLU number of observability/error_catalog.h; 0: take the kind's own.
  std::string evidence = {};      ///< The other side's words, verbatim, e.g. "postgres: …".
  std::string why = {};           ///< Overrides the catalog's explanation when not empty.
  std::vector<std::string> fix = {};  ///< Overrides the catalog's remedies when not empty.
  /// Namespace and name of the one table that it is about: without that table all others can go on. Else empty.
  std::vector<std::string> table = {};
  std::string sink = {};          ///< The one destination that it is about. Else empty.
  std::string sql_state = {};     ///< PostgreSQL's, where it sent one.
};

/// A value or the error that prevented it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}       // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}   // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { SLUICE_CHECK(ok()); return *std::get_if<0>(&state_); }
  const T& value() const& { SLUICE_CHECK(ok()); return *std::get_if<0>(&state_); }
  T&& value() && { SLUICE_CHECK(ok()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { SLUICE_CHECK(!ok()); return *std::get_if<1>(&state_); }
  Error&& error() && { SLUICE_CHECK(!ok()); return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success, or the error that prevented it.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { SLUICE_CHECK(!ok()); return *error_; }
  Error&& error() && { SLUICE_CHECK(!ok()); return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

inline Status Ok() { return {}; }

}  // namespace sluice

#define SLUICE_CONCAT_INNER(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                                            \
  do {                                                                         \
    if (auto status_to_return = (expression); !status_to_return.ok())          \
      return std::move(status_to_return).error();                              \
  } while (false)

#define SLUICE_ASSIGN_OR_RETURN(temporary, target, expression)  \
  auto temporary = (expression);                                \
  if (!temporary.ok()) return std::move(temporary).error();     \
  target = std::move(temporary).value()

#define ASSIGN_OR_RETURN(target, expression) \
  SLUICE_ASSIGN_OR_RETURN(SLUICE_CONCAT(result_, __LINE__), target, expression)
