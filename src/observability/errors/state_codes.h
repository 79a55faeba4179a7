#pragma once
// Codes 8xxx: the pipeline's own state, bookmarks, other processes. Never reused. Each has its entry in state.cc.

namespace sluice::slu {

}  // namespace sluice::slu
