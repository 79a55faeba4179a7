// Errors 12xx: the map of a sink against the source's tables.
// One entry per code of mapping_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/mapping_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kMappingNoSuchTable, "a map names a table that is not copied",
     "A misspelt or renamed table would otherwise reach the sink with everything that its map should have hidden.",
     "correct the name in the map of the sink\nif the table was renamed on the source, give its new name\nif it is gone, take it out of the map", ExitCode::kConfig},
    {slu::kMappingNoSuchColumn, "a map names a column that the table does not have",
     "A misspelt or renamed column would otherwise reach the sink as it is. Generated columns are carried by no row: they can be left out, not masked.",
     "correct the name in the map of the sink\nif the column was renamed on the source, give its new name\nif it is gone, take it out of the map", ExitCode::kConfig},
    {slu::kMappingNameTaken, "two would have one name in the sink",
     "Rows of two tables, or values of two columns, would be mixed. Indexes, sequences and partitions of the replica count too.",
     "give one of them another name: {table: public.a, to: raw.a}", ExitCode::kConfig},
    {slu::kMappingKeyLost, "the key of a table would not tell rows apart any more",
     "Updates and deletes find their row by its key. Only a hash keeps different values different.",
     "mask the column with hash\nor keep it as it is", ExitCode::kConfig},
    {slu::kMappingMaskUnfit, "a mask does not fit the type of its column",
     "hash takes the common types (texts, numbers without float, booleans, dates, timestamps, uuid, enums, bytea, json); partial takes texts; "
     "truncate takes a unit for dates and timestamps (hour only for timestamps) and a number for integers, numeric and texts.",
     "use null or redact, which fit every type\nor leave the column out: columns.exclude", ExitCode::kConfig},
    {slu::kMappingFilterUnfit, "a condition does not fit the type of its column",
     "Conditions compare integers, numeric, texts, booleans, dates, timestamps, uuid and enums, with values as PostgreSQL prints them. "
     "Texts have no lt, le, gt and ge, since their order is the collation's.",
     "correct the condition in the map of the sink\nor filter by another column", ExitCode::kConfig},
    {slu::kMappingFilterIdentity, "a condition is on a column that deletes do not tell",
     "The source sends the replica identity of a row that is deleted or changed, and nothing else. Whether such a row was taken could not be known. "
     "PostgreSQL demands the same of the row filters of a publication.",
     "ALTER TABLE … REPLICA IDENTITY FULL on the source\nor filter by a column of the key", ExitCode::kConfig},
    {slu::kMappingColumnUnguarded, "a masked column has another name now",
     "It was renamed on the source while its map still names the old one. Its values are held back rather than let out under the new name.",
     "say the same of the new name in the map of the sink, then start again: the table is copied again under it", ExitCode::kConfig},
    {slu::kMappingValueNotSent, "a row comes into the filter without all of its values",
     "An update moved a row into the filter and did not touch a large value, so the source did not send it. With REPLICA IDENTITY FULL it would have.",
     "ALTER TABLE … REPLICA IDENTITY FULL on the source\nthen have the table copied again: sluice resync TABLE", ExitCode::kFailed},
    {slu::kMappingValueMalformed, "a value contradicts the type of its column",
     "The bytes that the source sent do not have the form of their type, so nothing that could be masked or compared was found in them.",
     "report it with the type of the column and the output of sluice version --json", ExitCode::kFailed},
};

}  // namespace

std::span<const ErrorEntry> Mapping() { return kErrors; }

}  // namespace sluice::errors
