#pragma once
// Codes 3xxx: the replica: connection, tables, apply. Never reused. Each has its entry in replica.cc.

namespace sluice::slu {

}  // namespace sluice::slu
