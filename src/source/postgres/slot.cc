#include "source/postgres/slot.h"

#include <fmt/format.h>

#include <charconv>

#include "observability/errors/source_codes.h"

namespace sluice {
namespace {

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Lsn LsnOrNone(const PgResult& rows, int column) {
  if (IsNull(rows, 0, column)) return {};
  const Result<Lsn> lsn = ParseLsn(Field(rows, 0, column));
  return lsn.ok() ? *lsn : Lsn{};
}

}  // namespace

Result<std::optional<SlotFacts>> ReadSlot(PgConnection& connection, const std::string& name) {
  const char* const reason = connection.server_version() >= 170000 ? "invalidation_reason" : "NULL";
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute(fmt::format(
                       "WITH log AS (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS now)"
                       "SELECT slot_name, plugin, slot_type, database, active, active_pid, wal_status, restart_lsn, confirmed_flush_lsn,"
                       "  greatest(pg_wal_lsn_diff(log.now, confirmed_flush_lsn), 0)::bigint,"
                       "  greatest(pg_wal_lsn_diff(log.now, restart_lsn), 0)::bigint, two_phase, {}, safe_wal_size"
                       "  FROM pg_replication_slots, log WHERE slot_name = $1", reason), {name}));
  if (PQntuples(rows.get()) == 0) return std::optional<SlotFacts>();
  SlotFacts slot;
  slot.state.name = Field(rows, 0, 0);
  slot.plugin = Field(rows, 0, 1);
  slot.slot_type = Field(rows, 0, 2);
  slot.database = Field(rows, 0, 3);
  slot.state.active = Field(rows, 0, 4) == "t";
  slot.state.active_pid = static_cast<int>(Number(Field(rows, 0, 5)));
  slot.state.wal_status = Field(rows, 0, 6);
  slot.state.restart_lsn = LsnOrNone(rows, 7);
  slot.state.confirmed_flush_lsn = LsnOrNone(rows, 8);
  slot.state.behind_bytes = Number(Field(rows, 0, 9));
  slot.state.retained_bytes = Number(Field(rows, 0, 10));
  if (!IsNull(rows, 0, 13)) slot.state.bytes_until_lost = Number(Field(rows, 0, 13));
  slot.two_phase = Field(rows, 0, 11) == "t";
  slot.invalidation_reason = Field(rows, 0, 12);
  slot.state.lost = slot.state.wal_status == "lost" || !slot.state.restart_lsn.valid() || !slot.invalidation_reason.empty();
  return std::optional(std::move(slot));
}

Status CheckSlot(const std::optional<SlotFacts>& slot, const std::string& name, const std::string& database, Lsn resume_from) {
  if (!slot) return Error{ErrorKind::kSourceLost, fmt::format("there is no replication slot \"{}\"", name), slu::kSlotMissing};
  if (slot->slot_type != "logical" || slot->plugin != "pgoutput" || slot->database != database || slot->two_phase)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("replication slot \"{}\" is {}{} with plugin \"{}\" in database \"{}\"; wanted: logical, pgoutput, \"{}\", without two_phase",
                             name, slot->slot_type, slot->two_phase ? " two_phase" : "", slot->plugin, slot->database, database),
                 slu::kSlotForeign};
  const SlotState& state = slot->state;
  if (state.lost)
    return Error{ErrorKind::kSourceLost,
                 fmt::format("replication slot \"{}\" was invalidated by PostgreSQL; changes after {} are gone from its log", name, ToString(state.confirmed_flush_lsn)),
                 slu::kSlotLost,
                 fmt::format("postgres: wal_status = {}{}{}", state.wal_status, slot->invalidation_reason.empty() ? "" : ", invalidation_reason = ", slot->invalidation_reason)};
  if (state.active)
    return Error{ErrorKind::kConflict, fmt::format("replication slot \"{}\" is being read by process {} of the source", name, state.active_pid), slu::kSlotInUse};
  if (state.confirmed_flush_lsn > resume_from)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("replication slot \"{}\" starts at {}, but a destination is only at {}: what was committed in between would be lost",
                             name, ToString(state.confirmed_flush_lsn), ToString(resume_from)),
                 slu::kSlotAhead};
  return Ok();
}

}  // namespace sluice
