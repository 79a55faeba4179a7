#pragma once
// Every rule that a lake is held against. An id is never used again for something else.

#include "audit/finding.h"

namespace sluice::audit {

// Shared remedies.
inline constexpr std::string_view kRestore = "restore the file from a backup of the lake, else copy the table again: sluice resync TABLE";
inline constexpr std::string_view kRecopy = "copy the table again: sluice resync TABLE";
inline constexpr std::string_view kReport = "find out which writer made it; a table that sluice made alone: report it, then copy it again: sluice resync TABLE";
inline constexpr std::string_view kRename = "rename the column in the sink's map, then: sluice resync TABLE";

// Files: 1xx.
inline constexpr Rule kMissingFile{"A101", Gravity::kWrong, "every reader that needs the file fails", kRestore};
inline constexpr Rule kUnreadFile{"A102", Gravity::kWrong, "nothing is known of the file", "see what the storage says, then run the check again"};
inline constexpr Rule kDamagedFile{"A103", Gravity::kWrong, "readers fail, or read something else", kRestore};
inline constexpr Rule kWrongSize{"A104", Gravity::kWrong, "Athena and Trino look for the footer at the end that the size tells, and fail", kReport};
inline constexpr Rule kTwoSpellings{"A105", Gravity::kWrong, "deletes find their data files by equal strings, so that deleted rows come back", kReport};
inline constexpr Rule kTooLarge{"A106", Gravity::kWrong, "what is in the file was not checked", "look at who writes files of that size"};

// Table metadata: 2xx.
inline constexpr Rule kMissingMember{"A201", Gravity::kWrong, "readers refuse the metadata", kReport};
inline constexpr Rule kRefs{"A202", Gravity::kWrong, "readers disagree on what the current state is", kReport};
inline constexpr Rule kSnapshotLog{"A203", Gravity::kWrong, "Java refuses the metadata; time travel by time goes astray", kReport};
inline constexpr Rule kSnapshot{"A204", Gravity::kWrong, "readers refuse the snapshot, or apply deletes wrongly", kReport};
inline constexpr Rule kSnapshotSchema{"A205", Gravity::kWrong, "Trino and Athena cannot travel in time without the snapshot's schema-id", kReport};
inline constexpr Rule kTotals{"A206", Gravity::kWrong, "Redshift fails without totals; others plan and answer count(*) by them", kReport};
inline constexpr Rule kSchema{"A207", Gravity::kWrong, "columns are mixed up, or the schema is refused", kReport};
inline constexpr Rule kColumnIds{"A208", Gravity::kWrong, "a new column would get the id of an old one and show its values", kReport};
inline constexpr Rule kSpec{"A209", Gravity::kWrong, "readers refuse the partitions, or skip files that hold rows", kReport};
inline constexpr Rule kTypeSpelling{"A210", Gravity::kWrong, "BigQuery and older DuckDB know types as plain words only", kReport};
inline constexpr Rule kNamesByCase{"A211", Gravity::kWrong, "Spark, Trino, Athena, Redshift and DuckDB take the two for one", kRename};
inline constexpr Rule kReservedName{"A212", Gravity::kNote, "Spark refuses a table with such a column", kRename};
inline constexpr Rule kSortOrder{"A213", Gravity::kWrong, "readers refuse the metadata", kReport};
inline constexpr Rule kRowIds{"A214", Gravity::kWrong, "row ids would be given twice", kReport};

// Manifest lists and manifests: 3xx.
inline constexpr Rule kAvroField{"A301", Gravity::kWrong, "DuckDB and S3 Tables find fields by their ids and refuse optional ones that must be there", kReport};
inline constexpr Rule kListHeader{"A302", Gravity::kWrong, "readers that look at the header take the list for another snapshot's", kReport};
inline constexpr Rule kManifestHeader{"A303", Gravity::kWrong, "Java's snapshot expiry and DuckDB read schema and partitions from there", kReport};
inline constexpr Rule kContentFlag{"A304", Gravity::kWrong, "deletes are taken for data or ignored: deleted rows come back", kReport};
inline constexpr Rule kCounts{"A305", Gravity::kWrong, "readers skip manifests, or count rows, by these numbers", kReport};
inline constexpr Rule kSequence{"A306", Gravity::kWrong, "deletes apply to the wrong files: rows come back or vanish", kReport};
inline constexpr Rule kEntry{"A307", Gravity::kWrong, "readers refuse the entry or misread the file", kReport};
inline constexpr Rule kAddedTwice{"A308", Gravity::kWrong, "rows come twice, or a delete of before applies to a file of now", kReport};
inline constexpr Rule kNoCounts{"A309", Gravity::kWrong, "DuckDB skips files that hold rows where value counts are missing", kReport};
inline constexpr Rule kPartitionTuple{"A310", Gravity::kWrong, "readers skip files that hold rows, or fail", kReport};
inline constexpr Rule kBound{"A311", Gravity::kWrong, "readers skip files that hold rows, or fail", kReport};

// Data and delete files: 4xx.
inline constexpr Rule kRowCount{"A401", Gravity::kWrong, "count(*) is wrong, and positions of deletes with it", kReport};
inline constexpr Rule kFieldIds{"A402", Gravity::kWrong, "DuckDB refuses the file, others show nulls", kReport};
inline constexpr Rule kParquetType{"A403", Gravity::kWrong, "readers fail on the column, or misread it", kReport};
inline constexpr Rule kUuidAnnotation{"A404", Gravity::kWrong, "Spark fails on the column", kReport};
inline constexpr Rule kEncoding{"A405", Gravity::kNote, "Spark with Iceberg before 1.11 cannot read it with its fast reader", "write without DELTA encodings"};
inline constexpr Rule kStatistics{"A406", Gravity::kWrong, "readers skip files that hold rows", kReport};
inline constexpr Rule kDeleteOrder{"A407", Gravity::kWrong, "readers that merge sorted deletes miss some: deleted rows come back", kReport};
inline constexpr Rule kDeletePosition{"A408", Gravity::kWrong, "the delete is of no row that there is: what was to be deleted is still there", kRecopy};
inline constexpr Rule kDeletePartition{"A409", Gravity::kWrong, "the delete is ignored, or the scan fails: deleted rows come back", kReport};
inline constexpr Rule kDeleteDangling{"A410", Gravity::kNote, "nothing but time: the file that the deletes speak of is gone", "nothing: sluice drops them by and by. At once: sluice lake compact TABLE"};
inline constexpr Rule kDeleteSchema{"A411", Gravity::kWrong, "readers cannot tell what is deleted", kReport};
inline constexpr Rule kPuffin{"A412", Gravity::kWrong, "DuckDB and PyIceberg find deletion vectors by the container: deleted rows come back, or the read fails", kReport};

// What readers can: 5xx.
inline constexpr Rule kReaderRefuses{"A501", Gravity::kRefused, "the reader fails on the table or on the column", "see docs/operate, \"Looking after the lake\""};
inline constexpr Rule kReaderNote{"A502", Gravity::kNote, "the reader shows it otherwise, or needs a version", "see docs/operate, \"Looking after the lake\""};

}  // namespace sluice::audit
