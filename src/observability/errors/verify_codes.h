#pragma once
// Codes 7xxx: comparing source and sinks. Never reused. Each has its entry in verify.cc.

namespace sluice::slu {

}  // namespace sluice::slu
