#pragma once
// What sluice remembers in the replica itself, in a namespace named `sluice`:
//
//   bookmark     one row: which log, how far, since when, and the epoch that fences older processes
//   table_state  a row per table: whether its copy is complete and from where, whether it is held and why
//   kept_copy, kept_range  which parts are there of a copy that is not complete; see kept_copies.h
//   refill_OID   rows of a table that is being copied again, until they take the place of the old ones
//
// Every row changes only in the same transaction as the data or tables it speaks of.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/copy_state.h"
#include "change/position.h"
#include "postgres/connection.h"
#include "sink/replica/follow_columns.h"
#include "sink/sink.h"

namespace sluice {

struct OpenedBookkeeping {
  uint64_t epoch = 0;
  std::optional<Bookmark> bookmark;
  CopiedTables copied_tables;
  HeldTables held_tables;
  KeptCopies kept_copies;
  std::map<TableName, ColumnNames> columns;  ///< Of the copied tables.
};

/// Makes the namespace and its tables where they are missing, takes the next epoch (waiting for a commit of an
/// older process that is still under way) and reads what is there.
/// Error: kNeedsOperator (not allowed; bookmark of another source).
Result<OpenedBookkeeping> OpenBookkeeping(PgConnection& connection, const LogIdentity& source);

/// Inside a transaction: moves the bookmark. Error: kConflict if somebody opened the replica after us.
Status MoveBookmark(PgConnection& connection, const Position& position, Timestamp source_time, uint64_t epoch);

/// Inside a transaction: as MoveBookmark, but only where there is no position yet; else checks the epoch alone.
Status StartBookmark(PgConnection& connection, const Position& position, Timestamp source_time, uint64_t epoch);

/// Inside a transaction: holds the epoch until its end. Error: kConflict if somebody opened the replica after us.
Status CheckEpoch(PgConnection& connection, uint64_t epoch);

Result<std::optional<Bookmark>> ReadBookmark(PgConnection& connection);

/// What is known of a table that a copy has begun.
struct TableOrigin {
  bool made_by_us = false;  ///< Else the user made it, and it was empty.
  bool filled = false;      ///< A copy of it was complete once: its rows are to be seen until the next one is.
  bool followed = false;    ///< Its copy is complete and counts.
};
Result<std::optional<TableOrigin>> FindOrigin(PgConnection& connection, const TableName& table);

Status RecordPreparing(PgConnection& connection, const TableName& table, const TableOrigin& origin);
/// Ends a hold too.
Status RecordCopied(PgConnection& connection, const TableName& table, const CopiedTable& copied, const ColumnNames& columns);
/// The table's columns are now those of the source with these names.
Status RecordColumns(PgConnection& connection, const TableName& table, const ColumnNames& columns);
Status RecordFingerprint(PgConnection& connection, const TableName& table, const std::string& fingerprint);
/// Moves these tables, which catch up; unset: they have. Others may have been copied beside meanwhile.
Status RecordCaughtUp(PgConnection& connection, const std::vector<TableName>& tables, const std::optional<Lsn>& up_to);
Status RecordHeld(PgConnection& connection, const TableName& table, const HeldTable& why);
/// Its copy and its hold count no more; its rows stay.
Status ForgetCopy(PgConnection& connection, const TableName& table);
/// Nothing is known of it.
Status ForgetTable(PgConnection& connection, const TableName& table);
/// Nothing is known of how far we have come; the epoch stays.
Status ForgetBookmark(PgConnection& connection);

/// The statement behind MoveBookmark with parameters $1…$7, as a row of one number that cannot be computed
/// (division by zero) where the epoch is not ours: so it can stand in a pipeline before COMMIT.
extern const char* const kGuardedMoveBookmark;
/// Its parameters in text form.
std::vector<std::string> BookmarkParameters(const Position& position, Timestamp source_time, uint64_t epoch);

}  // namespace sluice
