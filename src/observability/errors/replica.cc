// Errors 3xxx: the replica: connection, tables, apply.
// One entry per code of replica_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/replica_codes.h"
#include "observability/errors/areas.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kReplicaNotWritable, "the replica cannot be written to",
     "The server is a standby, or default_transaction_read_only is on for this role or database.",
     "point the replica's DSN at the primary (for several hosts: target_session_attrs=read-write)\n"
     "ALTER ROLE … RESET default_transaction_read_only",
     ExitCode::kFindings},
    {slu::kReplicaNamespaceDenied, "the replica's role may not create what it needs",
     "sluice keeps its bookmark in a schema named sluice of the replica and creates the copied tables.",
     "GRANT CREATE ON DATABASE … TO …   -- as the replica's owner\n"
     "create the schema yourself: CREATE SCHEMA sluice AUTHORIZATION …",
     ExitCode::kNoPermission},
    {slu::kReplicaOtherShape, "a table exists on the replica with another shape",
     "sluice did not make this table, and its columns differ from the source's, so rows could not be held exactly. "
     "Nothing was changed.",
     "rename or drop the table on the replica, then start again: sluice makes it itself\n"
     "change its columns to what the message names",
     ExitCode::kFindings},
    {slu::kReplicaForeignRows, "a table exists on the replica and holds rows that sluice did not write",
     "Copying into it would mix those rows with the source's. Nothing was changed.",
     "move the rows elsewhere or empty the table: TRUNCATE …\n"
     "leave the table out: tables.exclude",
     ExitCode::kRefused},
    {slu::kReplicaExtensionMissing, "an extension that the source's columns need cannot be created on the replica",
     "A column has a type that belongs to an extension; without it its values cannot be stored.",
     "CREATE EXTENSION …   -- as a role that may, in the replica's database\n"
     "install the extension's packages on the replica's server, then start again\n"
     "leave the table out: tables.exclude",
     ExitCode::kFindings},
    {slu::kReplicaTypeDiffers, "a type exists on the replica with another definition",
     "A type of the source's name exists on the replica, but it cannot hold the same values.",
     "rename or drop the type on the replica, then start again\n"
     "change it to what the message names",
     ExitCode::kFindings},
    {slu::kReplicaTableUndone, "a table's rows arrived, but its key or constraint cannot be built",
     "The source holds this constraint, so the replica's rows or functions must differ.",
     "read the server's words, remove the obstacle on the replica, then start again: the table is copied again",
     ExitCode::kFailed},
    {slu::kReplicaRowMissing, "the replica lacks a row that the source changed or deleted",
     "Somebody else deletes or changes rows on the replica, or its tables were restored from elsewhere. Nothing of "
     "this commit was applied; the other tables' rows are as of the bookmark.",
     "sluice verify …   # counts what differs\n"
     "copy the table again: sluice resync TABLE\n"
     "prevent it: REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … FROM …",
     ExitCode::kFindings},
    {slu::kReplicaOtherSource, "the replica belongs to another source",
     "The bookmark in schema sluice of this database speaks of another server, database or slot, whose positions "
     "cannot be compared with this one's.",
     "point the replica's DSN at another database\n"
     "if this source replaces the old one: sluice start-over, then sluice run: the tables are copied again",
     ExitCode::kRefused},
    {slu::kReplicaIsSource, "source and replica are the same database",
     "Copying a database into itself would overwrite production.",
     "point the replica's DSN at another database",
     ExitCode::kRefused},
    {slu::kReplicaFenced, "another sluice has taken over this replica",
     "The bookmark carries a newer epoch: a process that opened the replica later is writing to it.",
     "find the other process: SELECT * FROM pg_stat_activity WHERE application_name LIKE 'sluice%'\n"
     "stop one of the two; the other goes on by itself",
     ExitCode::kConflict},
    {slu::kReplicaSchemaChanged, "a table changed on the source in a way that the replica's cannot follow in place",
     "The rows that are there say nothing of the change, or something of the replica's own, such as a view, hangs on the column. The table is copied again by itself, "
     "three times at most; then it is held.",
     "drop what hangs on the column on the replica (the server's words name it), then: sluice resync TABLE\n"
     "copy the table again: sluice resync TABLE",
     ExitCode::kDegraded},
    {slu::kReplicaPrivateObject, "a value names a database object of the source by its number",
     "Columns of type regclass, regproc and the like hold object numbers, which differ between databases.",
     "change the column's type to text on the source\n"
     "leave the table out: tables.exclude",
     ExitCode::kFailed},
    {slu::kReplicaRowConflict, "the replica holds a row that conflicts with one of the source's",
     "A key or unique constraint on the replica refuses a row that the source accepted: somebody else wrote to the "
     "replica, or it has an index that the source lacks. Nothing of this commit was applied.",
     "sluice verify …   # finds the rows that the source lacks\n"
     "drop a unique index that only the replica has\n"
     "copy the table again: sluice resync TABLE",
     ExitCode::kFindings},
    {slu::kReplicaRowRefused, "the replica refuses a row that the source accepted",
     "A constraint, trigger or privilege on the replica stands against it; the server's words say which.",
     "remove on the replica what the message names; then start again\n"
     "let sluice write as a role that may SET session_replication_role, so that triggers do not fire",
     ExitCode::kFindings},
    {slu::kReplicaValueRefused, "the replica's type cannot hold a value that the source's holds",
     "A label of an enum type was added, used and renamed before sluice saw it, or a type of the same name is another one on the replica. The table was copied again and met such a value once more.",
     "compare the type on both servers; then sluice resync TABLE",
     ExitCode::kFindings},
};

}  // namespace

std::span<const ErrorEntry> Replica() { return kErrors; }

}  // namespace sluice::errors
