#pragma once
// The source's sequences on the replica: made for the defaults that use them, and never behind.

#include <optional>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/attempt.h"

namespace sluice {

/// "START WITH 1 INCREMENT BY 1 …": for CREATE and ALTER SEQUENCE, and in a column's IDENTITY clause.
std::string SequenceOptions(const SequenceDefinition& sequence);

/// Makes it, or gives the one that is there the source's options; several tables may use one.
/// Inside a transaction of the caller.
Result<Refusal> EnsureSequence(PgConnection& connection, const SequenceDefinition& sequence);

/// Gives one that is there the source's options; one that refuses them stays as it is. Inside a transaction of the caller.
Status AlterSequence(PgConnection& connection, const SequenceDefinition& sequence);

/// Moves it to the source's value if it is behind. One that is not there is none of ours.
/// Inside a transaction of the caller.
Result<Refusal> AdvanceSequence(PgConnection& connection, const SequenceDefinition& sequence);

/// So that the table can be dropped without those of its sequences that other tables use.
Status KeepUsedSequences(PgConnection& connection, const TableName& table);

}  // namespace sluice
