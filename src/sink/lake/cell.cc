#include "sink/lake/cell.h"

namespace sluice {
namespace {

template <class T>
void AppendRaw(const T& value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

void AppendCanonical(const Cell& cell, std::string& out) {
  out.push_back(static_cast<char>(cell.kind));
  switch (cell.kind) {
    case CellKind::kNull: return;
    case CellKind::kInteger: AppendRaw(cell.integer, out); return;
    case CellKind::kDecimal: AppendRaw(cell.decimal, out); return;
    case CellKind::kBytes:
      AppendRaw(cell.bytes.size(), out);
      out.append(cell.bytes);
      return;
    case CellKind::kList:
      AppendRaw(cell.items.size(), out);
      for (const Cell& item : cell.items) AppendCanonical(item, out);
      return;
  }
}

}  // namespace sluice
