#pragma once
// Codes 4xxx: the lake: storage, catalog, files, commits. Never reused. Each has its entry in lake.cc.

namespace sluice::slu {

}  // namespace sluice::slu
