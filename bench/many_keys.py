"""The whole program's memory where the lake's tables have very many keys, all of which an update makes it look up."""

import databases
import report
from limits import program
from product import Product

CHANGED_SHARE = 1000  # One row of so many.


def many_keys(source_server, folder, arguments) -> dict:
    tables, rows = arguments.index_tables, arguments.index_keys // arguments.index_tables
    print(f"{tables} tables of {rows:,} rows into a lake, then changes in all of them", flush=True)
    source = databases.create(source_server, "source_keys")
    for i in range(tables):
        source.execute(f"CREATE TABLE k{i} (id bigint PRIMARY KEY, n int NOT NULL); INSERT INTO k{i} SELECT i, 0 FROM generate_series(1, {rows}) i")
    source.execute("CREATE PUBLICATION bench FOR ALL TABLES")
    lake = folder / "keys.lake"
    product = Product(folder, "keys", source, lake=lake)
    copied = product.catch_up()
    source.execute("SELECT pg_create_logical_replication_slot('drained_keys', 'pgoutput')")
    before = source.scalar("SELECT pg_current_wal_insert_lsn()::text")
    for i in range(tables):
        source.execute(f"UPDATE k{i} SET n = n + 1 WHERE id % {CHANGED_SHARE} = 0; INSERT INTO k{i} VALUES ({rows} + 1, 7); DELETE FROM k{i} WHERE id = 7")
    changes = tables * (rows // CHANGED_SHARE + 2)
    series = report.Series("many_keys", "bare drain of the slot", rows=changes)
    series.limit_seconds.append(program("bare_drain", source.dsn(), "drained_keys", "bench", before)["seconds"])
    followed = product.catch_up()
    series.costs.append(followed)
    for i in (0, tables // 2, tables - 1):
        question = "SELECT count(*), sum(id)::bigint, sum(n)::bigint FROM {}"
        databases.require_equal(f"table k{i}", databases.ask_lake(lake, f"k{i}", question), tuple(source.rows(question.format(f"k{i}"))[0]))
    return {**series.result(), "max_rss_bytes": max(copied.max_anonymous_bytes, followed.max_anonymous_bytes), "copy_bytes": copied.max_anonymous_bytes, "stream_bytes": followed.max_anonymous_bytes,
            "copy_seconds": round(copied.seconds, 1), "stream_seconds": round(followed.seconds, 1), "keys": tables * rows}
