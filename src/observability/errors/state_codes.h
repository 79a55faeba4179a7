#pragma once
// Codes 8xxx: the pipeline's own state, bookmarks, other processes. Never reused. Each has its entry in state.cc.

namespace sluice::slu {

inline constexpr int kOtherServer = 8101;     // A bookmark names another system identifier.
inline constexpr int kOtherTimeline = 8102;   // A bookmark is beyond where the source left its timeline.
inline constexpr int kFenced = 8103;          // Another process took the next epoch.
inline constexpr int kOtherSlot = 8104;       // A bookmark names another database or slot.
inline constexpr int kSourceBehind = 8105;    // The source's log ends before a bookmark.
inline constexpr int kAlreadyRunning = 8201;  // Another process holds the state folder's lock.
inline constexpr int kControlSocket = 8202;   // The control socket cannot be made.
inline constexpr int kControlProtocol = 8203; // A request or reply on the control socket is malformed.
inline constexpr int kTableHeldByHand = 8301; // sluice skip.
inline constexpr int kRequestWaits = 8302;    // A request for a table is noted, not yet carried out.
inline constexpr int kTablesHeld = 8303;      // The rest is done.

}  // namespace sluice::slu
