// Errors 2xxx: the source: connection, slot, publication, tables.
// One entry per code of source_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/source_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kSourceVersion, "this PostgreSQL version is not supported as a source",
     "Sluice reads PostgreSQL 14 to 18: older ones cannot stream in binary form, newer ones were never tried.",
     "upgrade the source, or point sluice at another server", ExitCode::kConfig},
    {slu::kSourceStandby, "the source is a standby",
     "A standby cannot take the publication, and its slots are bound to what its primary keeps.",
     "point sluice at the primary", ExitCode::kConfig},
    {slu::kSourceStopping, "the source is shutting down",
     "Its fast shutdown waits for every reader of the log, so sluice let go at once.",
     "nothing: sluice connects again when the source is back", ExitCode::kUnavailable},
    {slu::kPooler, "a connection pooler stands in front of the source",
     "Poolers hand one session's statements to several connections; exported snapshots and replication break.",
     "give sluice the address of PostgreSQL itself, not of the pooler", ExitCode::kConfig},
    {slu::kWalLevel, "the source does not write its log in a form that can be followed",
     "wal_level must be 'logical'; changing it needs a restart of PostgreSQL.",
     "ALTER SYSTEM SET wal_level = 'logical';  -- then restart PostgreSQL\n"
     "on Amazon RDS: set rds.logical_replication = 1 in the parameter group, then reboot",
     ExitCode::kConfig},
    {slu::kSourcePrivilege, "the role lacks a privilege on the source",
     "Sluice needs REPLICATION for the slot, SELECT on each table, and ownership of the tables or a ready publication.",
     "sluice check --print-sql | psql …   -- as an administrator", ExitCode::kNoPermission},
    {slu::kSlotsExhausted, "the source has no replication slot or WAL sender left",
     "max_replication_slots or max_wal_senders is used up; sluice needs one of each, and a second one while tables are copied.",
     "drop slots that nobody reads: SELECT slot_name, active FROM pg_replication_slots;\n"
     "ALTER SYSTEM SET max_replication_slots = 20; ALTER SYSTEM SET max_wal_senders = 20;  -- then restart PostgreSQL",
     ExitCode::kConfig},
    {slu::kNoTables, "no table matches the configuration",
     "The patterns under tables.include and tables.exclude leave nothing, or the role may not see the tables.",
     "compare the patterns with the table names: psql -c '\\dt *.*'", ExitCode::kConfig},
    {slu::kNoIdentity, "a table has no row identity; publishing it would make UPDATE and DELETE fail in production",
     "PostgreSQL refuses UPDATE and DELETE on a published table that has neither a primary key nor another replica identity.",
     "ALTER TABLE <table> ADD PRIMARY KEY (…);\n"
     "ALTER TABLE <table> REPLICA IDENTITY FULL;   -- each update and delete then logs the whole old row\n"
     "or leave it out: tables.exclude in the configuration",
     ExitCode::kRefused},
    {slu::kPublicationLock, "a table could not be added to the publication in time",
     "Adding a table takes a short lock; some transaction holds the table, and waiting longer would have blocked the application behind us.",
     "run again when the transaction named above has ended", ExitCode::kUnavailable},
    {slu::kPublicationForeign, "the publication is not as sluice makes it",
     "It leaves out rows, columns or operations, so the destinations would silently lack them.",
     "DROP PUBLICATION <publication>;  -- sluice run makes it again\nor name another one: publication in the configuration",
     ExitCode::kRefused},
    {slu::kPublicationMissing, "the publication is gone",
     "Somebody dropped it. Even made again it does not exist for changes written before, so these can never be decoded.",
     "sluice start-over, then sluice run: the tables are copied again while readers see the old rows", ExitCode::kRefused},
    {slu::kSlotMissing, "the replication slot is gone",
     "Somebody dropped it, or the server was replaced by one that never had it; what was written since is not kept for us.",
     "sluice start-over, then sluice run: the tables are copied again while readers see the old rows", ExitCode::kRefused},
    {slu::kSlotWait, "an open transaction keeps the replication slot from being made",
     "PostgreSQL makes a slot only once every transaction that was open at the start has ended. Nothing was left behind.",
     "wait for the transaction named above, or end it: SELECT pg_terminate_backend(<pid>);\nthen: sluice run",
     ExitCode::kUnavailable},
    {slu::kSlotInUse, "the replication slot is being read by someone else",
     "A slot has one reader. Another sluice runs with it, or the connection of one that died has not been noticed yet.",
     "stop the other one; a dead one's connection is noticed after wal_sender_timeout (60 s)\n"
     "see who it is: SELECT * FROM pg_stat_replication WHERE pid = <pid>;",
     ExitCode::kConflict},
    {slu::kSlotLost, "the replication slot was invalidated by PostgreSQL; changes are gone from its log",
     "The log that the slot needed was removed, most often because max_slot_wal_keep_size was reached while sluice was not running.",
     "sluice start-over, then sluice run: the tables are copied again while readers see the old rows\n"
     "then give it more room: ALTER SYSTEM SET max_slot_wal_keep_size = '40GB'; SELECT pg_reload_conf();",
     ExitCode::kRefused},
    {slu::kSlotGivenUp, "the replication slot was given up to save the source's disk",
     "It kept more log than slot_budget.give_up allows, because a destination was slow or away for too long. The source removes that log now; what was committed "
     "since is not in the destinations.",
     "find out why a destination was behind: sluice status, and the log\n"
     "then sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kSlotAhead, "the replication slot is ahead of a destination; changes in between would be lost",
     "PostgreSQL would start later than asked, in silence. The slot was advanced or made again by somebody, or the destination was restored from a backup.",
     "restore the destination to a point after the slot's position\n"
     "or sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kSlotForeign, "the replication slot is not one of ours",
     "A slot of that name exists with another plugin, in another database, or for physical replication.",
     "name another slot in the configuration\nor drop it, if nobody needs it: SELECT pg_drop_replication_slot('<slot>');",
     ExitCode::kRefused},
    {slu::kStreamCorrupt, "the source sent a message that contradicts the protocol",
     "Damage on the way, or a version of PostgreSQL that sluice does not know.",
     "report it with the output of sluice version --json", ExitCode::kFailed},
    {slu::kSpillFailed, "a large open transaction could not be put on disk",
     "Memory for open transactions is bounded, and the folder that takes the rest is full or cannot be written.",
     "make room in the state folder (.sluice beside the configuration), or move both to a larger disk while nothing runs\n"
     "or let more of it stay in memory: spill_after in the configuration",
     ExitCode::kFailed},
    {slu::kSnapshotMismatch, "a copy connection does not see the exported snapshot",
     "Two connections to the source see different states: they reach different servers, or the session that holds the snapshot ended.",
     "nothing to do, unless it repeats: then give sluice the address of one server, not of a balancer or pooler", ExitCode::kFailed},
    {slu::kCopiedTableRewritten, "a table was emptied or rewritten while it was being copied",
     "TRUNCATE, VACUUM FULL and ALTER TABLE give a table new files, in which an older snapshot finds no rows. Nothing is lost: the other tables are complete, and the "
     "copy of this one starts again under a new snapshot.",
     "nothing to do, unless it repeats: then let the job that rewrites the table pause until its copy is complete", ExitCode::kUnavailable},
};

}  // namespace

std::span<const ErrorEntry> Source() { return kErrors; }

}  // namespace sluice::errors
