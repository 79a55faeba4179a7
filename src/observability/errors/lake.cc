// Errors 4xxx: the lake: storage, catalog, files, commits.
// One entry per code of lake_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/lake_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    // Storage, catalog and table format: 4001 to 4049.
    {slu::kStorageLocation, "the lake's location cannot be used",
     "The location of the lake is not an absolute path or URI, holds characters that readers of the lake "
     "would take apart, lies where a file is in the way, or in a bucket that does not exist.",
     "Give an absolute folder such as /var/lib/sluice/lake, or s3://bucket/path, gs://bucket/path, abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/path, without '%', '?', '#' or '..'.\n"
     "Make the bucket, or look at the region and the endpoint if it exists: aws s3 mb s3://BUCKET",
     ExitCode::kConfig},
    {slu::kStoragePermission, "no permission in the lake's storage",
     "The storage refused to read or write an object of the lake for this user.",
     "Give the user that runs sluice read and write permission on the lake's folder; of a bucket s3:GetObject, s3:PutObject, "
     "s3:DeleteObject and s3:AbortMultipartUpload below its path, and s3:ListBucket and s3:ListBucketMultipartUploads; "
     "in Azure the role Storage Blob Data Contributor, at Google Storage Object User.\n"
     "Check that the file system is not mounted read-only.",
     ExitCode::kNoPermission},
    {slu::kStorageNotFound, "an object of the lake is missing",
     "A file that the lake's metadata names does not exist. Somebody or something else removed it: sluice removes "
     "files only when no snapshot names them.",
     "Restore the file from a backup of the lake.\n"
     "If that is impossible, copy the table again.",
     ExitCode::kFailed},
    {slu::kStorageFull, "the lake's storage is full",
     "The storage has no space left, or the quota is used up. Nothing of the failed commit is visible, and the "
     "source keeps what is not yet in the lake.",
     "Free space under the lake's folder or enlarge it; sluice goes on by itself.",
     ExitCode::kUnavailable},
    {slu::kStorageFailed, "the lake's storage failed",
     "Reading or writing an object failed, or a bucket's store gave no answer or asked to slow down through several attempts.",
     "Look at the evidence, and at the system's log for failing disks; sluice tries again by itself.",
     ExitCode::kUnavailable},
    {slu::kStorageCredentials, "the lake's storage does not accept who we are",
     "There are no credentials where they are looked for, or the store does not know them or their signature, or they have expired.",
     "Look at storage.access_key and storage.secret_key, or without them at what the AWS tools of the same user say: aws sts get-caller-identity\n"
     "In Azure at storage.account_key, or at: az account show. At Google: gcloud auth application-default print-access-token\n"
     "Give the machine a role in place of temporary keys, which expire.",
     ExitCode::kNoPermission},
    {slu::kLakeFileCorrupt, "a metadata file of the lake is damaged",
     "The bytes of a table's metadata, manifest list or manifest contradict their own format.",
     "Restore the named file from a backup of the lake.\n"
     "If that is impossible, copy the table again.",
     ExitCode::kFailed},
    {slu::kLakeFormatUnknown, "a table uses a feature of the format that sluice does not know",
     "Another writer has upgraded the table or written files in a form that this version cannot read.",
     "Use a newer version of sluice.\n"
     "Rewrite the table with the other writer, without the feature that the message names.",
     ExitCode::kFailed},
    {slu::kCatalogConflict, "another writer committed first",
     "Since the table was loaded, its current metadata was replaced by another process. Nothing was "
     "changed.",
     "Nothing: sluice loads the tables and tries again.\n"
     "If it repeats, find the other process that writes to these tables and stop it.",
     ExitCode::kConflict},
    {slu::kCatalogUnknown, "it is not known whether a commit to the lake went through",
     "The catalog failed while it made a commit durable, and looking afterwards failed too.",
     "Nothing: sluice looks at the lake's bookmark before it writes again.",
     ExitCode::kUnavailable},
    {slu::kCatalogFailed, "the lake's catalog failed",
     "The SQLite file that holds the catalog could not be read or written.",
     "Look at the evidence: a full disk, a missing permission, or a lock that another process holds for long.",
     ExitCode::kUnavailable},
    {slu::kCatalogForeign, "the catalog's file is not a catalog",
     "The file exists but is no SQLite database, or has tables of another shape under the catalog's names.",
     "Name another file for the catalog.",
     ExitCode::kConfig},
    {slu::kCatalogNoNamespace, "the namespace does not exist in the catalog",
     "A table can only be created in a namespace that exists.",
     "Nothing was changed. Create the namespace first; sluice does so for every source namespace.",
     ExitCode::kNotFound},

    // Tables and rows of the lake: 4101 to 4149.
    {slu::kLakeForeignTable, "a table of that name is in the lake already, and is not sluice's",
     "Sluice makes its own tables and never writes into others.",
     "Rename or drop the table in the lake's catalog.\n"
     "Give sluice another warehouse folder.\n"
     "Exclude the table in the configuration.",
     ExitCode::kRefused},
    {slu::kLakePartition, "the lake's partition setting does not fit the table",
     "The partition names a column that the table doesn't have, or a transform that its type doesn't take.",
     "Correct the partition of this table in the configuration.",
     ExitCode::kConfig},
    {slu::kLakeSort, "the lake's sort setting does not fit the table",
     "It names a column that the table doesn't have, or one whose values have no order, as a list's.",
     "Correct the sort of this table in the configuration.",
     ExitCode::kConfig},
    {slu::kLakeSchemaChanged, "a table changed in a way that the lake's table can't follow in place",
     "A column has another type now, is new with a value for the rows that were there, or was removed although the lake's table is partitioned by it. The table is copied "
     "again by itself, three times at most; then it is held.",
     "Copy the table again: sluice resync TABLE",
     ExitCode::kRefused},
    {slu::kLakeKeyValue, "a key holds a value that the lake can't hold",
     "A key column holds an infinite date or NaN. Two such rows would be one in the lake.",
     "Change the row on the source.\n"
     "Exclude the table in the configuration.",
     ExitCode::kRefused},
    {slu::kLakeRowMissing, "a row to be changed is not in the lake",
     "An update or delete names a row that the lake's table doesn't have: the two have diverged. Somebody else may have "
     "written to the table.",
     "Copy the table again.",
     ExitCode::kFailed},
    {slu::kLakeSetBack, "a table was set back in the lake",
     "Somebody made an older snapshot the table's current one (a rollback), so changes are missing that sluice had committed. "
     "Going on from there would leave them out for good.",
     "Copy the table again; readers see what is there until the copy is complete: sluice resync TABLE",
     ExitCode::kFailed},
    {slu::kLakeColumnsForeign, "somebody changed a table's columns in the lake",
     "Columns were added, dropped, renamed, moved or given other types by another program. The table's columns are the source's, "
     "and sluice would fill them with what belongs elsewhere.",
     "Change columns on the source: the lake follows. Columns of your own belong into a view or a table of your own.\n"
     "Copy the table again, with the source's columns: sluice resync TABLE",
     ExitCode::kFailed},
    {slu::kLakeFenced, "another sluice has taken over this lake",
     "Since this process opened the lake, another one has opened it with a later epoch. Nothing was committed.",
     "Let only one process write to a lake.",
     ExitCode::kConflict},
    {slu::kLakeIndexFile, "the lake's index of keys could not be kept on disk",
     "What memory may not hold of the index that finds a row by its key goes to files in the state folder, and the disk took or "
     "gave no more, or the folder cannot be written. Nothing is lost: the index is built again from the lake.",
     "Make room in the folder .sluice beside the configuration, or give the user that runs sluice write permission there: about 12 bytes for each row of the tables "
     "that see updates, and 40 for each of the largest one while its index is built.\n"
     "Let more of it stay in memory: index.max_memory of the sink.",
     ExitCode::kUnavailable},
    {slu::kLakeMissing, "there is no lake yet",
     "The configuration names no lake, or its warehouse or catalog does not exist. Commands that only look make neither.",
     "Name a lake under sinks: in the configuration.\n"
     "Fill it: sluice run",
     ExitCode::kNotFound},
    {slu::kLakeNoTable, "there is no such table in the lake",
     "Tables have the names that the lake's catalog gives them, NAMESPACE.TABLE, which a map may have changed.",
     "List them: sluice lake tables",
     ExitCode::kNotFound},
    {slu::kLakeNoSnapshot, "the table has no such snapshot",
     "It never had one of that id, or the snapshot has expired: the newest ones are kept.",
     "List them: sluice lake snapshots TABLE",
     ExitCode::kNotFound},
    {slu::kLakeNoCut, "the lake has no moment that old",
     "No snapshot that is left is of then or before, so that no table can be read as of that moment.",
     "Take the newest moment: sluice lake cut\n"
     "Keep more snapshots in future: sinks.lake.snapshots.keep",
     ExitCode::kNotFound},

    // A REST catalog: 4140 to 4149.
    {slu::kRestUnavailable, "the REST catalog does not answer",
     "The server that keeps the lake's catalog could not be reached, did not answer in time, or answered that it cannot for now. Nothing is lost.",
     "Look at the evidence and at the server's log. Sluice tries again by itself.\n"
     "Check the address: catalog.uri of the sink is what stands before /v1.",
     ExitCode::kUnavailable},
    {slu::kRestCredentials, "the REST catalog does not accept the credentials",
     "The token is wrong or has expired, the client or its secret is not known, or the signature is of other keys.",
     "Correct catalog.token, or catalog.oauth2 with its scope, or the keys behind catalog.sigv4.\n"
     "A token that expires is better replaced by a client: catalog.oauth2 renews its tokens by itself.",
     ExitCode::kNoPermission},
    {slu::kRestForbidden, "the REST catalog forbids what is asked of it",
     "The server knows who asks, and that one may not do this.",
     "Grant sluice's principal to list, create, read, write and drop namespaces and tables of the catalog.\n"
     "Give sluice a catalog of its own, so that it needs no rights in others.",
     ExitCode::kNoPermission},
    {slu::kRestAnswer, "the REST catalog's answer is not of its protocol",
     "The answer is no JSON, lacks what it must have, or is larger than is taken. Another server may answer in its place: a proxy, or a page to log in.",
     "Ask by hand what is there: curl URI/v1/config\n"
     "Correct catalog.uri of the sink.",
     ExitCode::kFailed},
    {slu::kRestRejected, "the REST catalog rejects a request",
     "The server knows no such warehouse, path or form of a request, or wants to be asked at another address.",
     "Look at the evidence: it is the server's own words.\n"
     "Correct catalog.uri and catalog.warehouse of the sink.",
     ExitCode::kConfig},
    {slu::kRestNoCommits, "the REST catalog takes no commits",
     "The server offers neither POST /v1/{prefix}/transactions/commit, which changes all tables and the bookmark at one moment, nor commits of one table. It is for readers, as `sluice serve` is.",
     "Keep the catalog in a server that takes commits, such as Polaris, Lakekeeper or Nessie.\n"
     "Keep it in a PostgreSQL: catalog: { type: postgres, … }. Readers come by `sluice serve`.",
     ExitCode::kRefused},
    {slu::kRestLocation, "the REST catalog makes tables that sluice cannot write",
     "A new table was put outside of the sink's warehouse, or its columns were numbered otherwise. It was dropped again. S3 Tables puts each table into a bucket of its own, so nothing is made there.",
     "Let the server take the location that is asked for, or set the sink's warehouse to where the server puts tables.\n"
     "On AWS, keep the catalog in Glue with the tables in a bucket of yours.",
     ExitCode::kConfig},
    {slu::kRestCertificate, "the REST catalog's certificate is not trusted",
     "Certificates are always verified: whoever stands between could read the credentials and change the lake.",
     "Name the authority's certificate: catalog.ca_file of the sink.\n"
     "Correct the name in catalog.uri: it must be one that the certificate is for.",
     ExitCode::kConfig},
    {slu::kRestName, "the REST catalog cannot have the name",
     "AWS Glue takes names of lower-case letters, digits and underscores, and namespaces of one level.",
     "Give the table another name in the lake: sinks.lake.map of the pipeline.\n"
     "Or exclude it.",
     ExitCode::kConfig},

    // What is done to the lake by hand: 4150 to 4159.
    {slu::kLakeTagName, "a tag cannot have that name",
     "A name is a letter followed by letters, digits, points, hyphens and underscores, 128 at most, so that every reader can write it. main is the branch that readers "
     "see, and names that begin with hour- or day- are those that sluice gives by itself.",
     "Take another name: sluice lake tag before-migration",
     ExitCode::kUsage},
    {slu::kLakeTagExists, "there is such a tag already",
     "A tag stays where it is, since somebody may rely on it. Nothing was changed.",
     "Take another name, or delete the tag first: sluice lake tag --delete NAME",
     ExitCode::kConflict},
    {slu::kLakeNoTag, "there is no such tag",
     "No table has a tag of that name. Tags by the hour and by the day are removed when they are older than sinks.lake.tags keeps.",
     "List them: sluice lake tag list",
     ExitCode::kNotFound},
    {slu::kLakeMomentExpired, "snapshots of that moment have expired",
     "A table that was there then has no snapshot of it any more, so that it cannot be read, tagged or set back. Nothing was changed.",
     "See which moments are left: sluice lake cut --at TIME\n"
     "Leave the table out: --table\n"
     "Keep more in future: sinks.lake.snapshots.keep, sinks.lake.tags",
     ExitCode::kNotFound},
    {slu::kLakeTableNotFollowed, "the table does not follow the source now",
     "It is held, being copied or catching up, so that what it shows is not the moment that all other tables show, and its files are left alone.",
     "See why: sluice status\n"
     "Copy a held table again: sluice resync TABLE",
     ExitCode::kRefused},
    {slu::kLakeBusy, "the lake is busy",
     "Work that is asked for by hand is done one after the other, by the running process between two commits. It is at other work that was asked for, or does not "
     "stream yet: it copies tables, or waits for a server.",
     "See what it does: sluice status\n"
     "Ask again later.",
     ExitCode::kUnavailable},
    {slu::kLakeRolledBack, "the table was set back by hand",
     "It shows an older state and does not follow the source until it is copied again.",
     "Copy it again: sluice resync TABLE",
     ExitCode::kDegraded},
    {slu::kLakeWorkEnded, "the pipeline ended before the work was done",
     "What was done so far is durable, and whole for each table. A process that begins anew does not go on with it.",
     "Look, and ask again: sluice lake show TABLE",
     ExitCode::kUnavailable},

    // Readers of the lake, and sluice sql: 4160 to 4169.
    {slu::kLakeReaderNames, "a name that a reader of the lake cannot take",
     "Among the readers that the lake is configured for is one that takes names which differ only by case for one, or that refuses columns which are called like "
     "Iceberg's own. The table is held; the others go on.",
     "Give the table or column another name in the lake, by sinks.lake.map; then: sluice resync TABLE\n"
     "Leave the reader out of sinks.lake.readers.\n"
     "Exclude the table in the configuration.",
     ExitCode::kRefused},
    {slu::kDuckDbMissing, "DuckDB is not there",
     "sluice sql loads DuckDB's library and its extensions when it starts; nothing else of sluice needs them. They are looked for in $SLUICE_DUCKDB, in lib/duckdb beside "
     "the program's folder, and where they were when the program was built; the version must be exactly the one that it was built for.",
     "Put them into the dependencies of the build: tools/setup build\n"
     "Say where they are: export SLUICE_DUCKDB=FOLDER, with lib/libduckdb.so and extensions/*.duckdb_extension in it.",
     ExitCode::kNotFound},
    {slu::kSqlFailed, "DuckDB refuses the query",
     "The message and what follows it are DuckDB's own words.",
     "See what there is to ask: sluice sql -c 'SHOW ALL TABLES'",
     ExitCode::kFailed},
    {slu::kSqlRefused, "sluice sql only reads",
     "Lake and replica are sluice's to write. So are files: COPY, EXPORT, ATTACH, LOAD, CALL, prepared statements and the like are not run, nor functions that send a server text of yours. Tables in memory may be made.",
     "Save a result by the shell: sluice sql --format csv -c 'SELECT …' > file.csv",
     ExitCode::kRefused},
    {slu::kSqlStorage, "sluice sql does not read a lake in this storage",
     "It reads lakes in folders and in buckets of S3 or what speaks its protocol.",
     "Read it with another reader: sluice lake cut --sql spark",
     ExitCode::kFailed},

    // A PostgreSQL from the lake: 4170 to 4179.
    {slu::kRestoreTable, "a table cannot be restored from the lake",
     "The lake does not have the table as of that moment, or holds it in a form that no PostgreSQL takes. Others are restored.",
     "Take another moment: sluice lake cut --at TIME\n"
     "Let the next sluice run copy it from the source, which it does by itself.",
     ExitCode::kFailed},
    {slu::kRestoreNotFollowed, "what is restored could not be followed from there",
     "The replication slot does not have what the source committed after that moment, so the restored tables would stay as they are.",
     "Restore the newest moment: leave out --at and --lsn.\n"
     "Restore it without being followed: --standalone",
     ExitCode::kFailed},
    {slu::kRestoreTarget, "the PostgreSQL to restore into is not empty",
     "Something is followed there already, or a restore of another moment was begun. Its rows are not overwritten.",
     "Restore into another database: --to DSN\n"
     "Or drop what is there: the tables and the schema sluice.",
     ExitCode::kFailed},
};

}  // namespace

std::span<const ErrorEntry> Lake() { return kErrors; }

}  // namespace sluice::errors
