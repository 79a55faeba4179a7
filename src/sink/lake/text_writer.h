#pragma once
// Writes the values of one type as text: ranges, composites and arrays of the types in text_forms.h.

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "change/type.h"
#include "sink/lake/type_map.h"

namespace sluice {

/// Immutable; thread-safe.
class TextWriter {
 public:
  virtual ~TextWriter() = default;
  /// Appends the value as the server prints it; a composite or array as JSON. False: bytes are malformed.
  virtual bool Write(Bytes value, std::string& out) const = 0;
  /// Appends the value as to_json prints it.
  virtual bool WriteJson(Bytes value, std::string& out) const;

  /// Whether Write appends what the server prints: not so for JSON, money and unknown types.
  virtual bool writes_server_text() const { return true; }
  /// As Write and WriteJson, but from the text that the server prints. False: the text is malformed, or doesn't
  /// tell the binary form of a type that is held as that.
  virtual bool RewriteText(std::string_view text, std::string& out) const;
  virtual bool RewriteJson(std::string_view text, std::string& out) const;
};

/// Composites nested deeper are treated as unknown.
inline constexpr int kTextNestingMax = 16;

/// Types whose text only the source can make:
///   regclass, regproc, regtype and the other reg*  →  the OID as a number (Loss::kOidAsNumber)
///   types of extensions other than citext, hstore, ltree, vector, halfvec's text, PostGIS geometry and
///   geography →  "\x" and the binary form in hexadecimal (Loss::kUnknownBinary), counted per value
std::unique_ptr<TextWriter> MakeTextWriter(const Type& type);

/// What is lost when a value of `type` is held as text.
Loss LossOfText(const Type& type);

/// A type whose text is its binary form, so that nothing needs to be copied.
bool IsPlainText(const Type& type);

}  // namespace sluice
