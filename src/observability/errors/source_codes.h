#pragma once
// Codes 2xxx: the source: connection, slot, publication, tables. Never reused. Each has its entry in source.cc.

namespace sluice::slu {

}  // namespace sluice::slu
