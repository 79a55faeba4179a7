#pragma once
// The only place that decides what the slot may forget.

#include <span>

#include "change/lsn.h"

namespace sluice {

/// What may be acknowledged now: the least of what the sinks made durable, but nothing that was not received, and
/// never less than before.
/// `acknowledged`: what was acknowledged last. `received`: how far the stream was read, or where it was resumed.
/// `durable`: one bookmark per sink; at least one. Unset (0) holds everything back.
Lsn NextAcknowledged(Lsn acknowledged, Lsn received, std::span<const Lsn> durable);

}  // namespace sluice
