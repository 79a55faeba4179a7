"""The very large, the very many and the nothing at all."""

import time

import pytest

from support import catalog


def test_rows_larger_than_a_megabyte(replicate):
    replicate("""
        CREATE TABLE big (id int PRIMARY KEY, body text, raw bytea, n int);
        INSERT INTO big SELECT i, string_agg(md5(i::text || j::text), ''), decode(repeat('00ff', 300000), 'hex'), 0
          FROM generate_series(1, 4) i, generate_series(1, 60000) j GROUP BY i;
        """, "UPDATE big SET n = 1 WHERE id = 1", "INSERT INTO big SELECT 10, repeat('xyz', 3000000), NULL, 5; UPDATE big SET id = 20 WHERE id = 2",
        "DELETE FROM big WHERE id = 3; UPDATE big SET body = 'small' WHERE id = 4")


def test_empty_tables_become_empty_tables_and_may_fill_later(replicate):
    replicate("CREATE TABLE nothing (id int PRIMARY KEY, v text); CREATE TABLE nothing_without_key (a int); CREATE TABLE lists (id int PRIMARY KEY, l int[]);",
              "INSERT INTO nothing VALUES (1, NULL); INSERT INTO nothing_without_key VALUES (NULL); INSERT INTO lists VALUES (1, '{}'), (2, NULL), (3, '{NULL}')",
              "DELETE FROM nothing; DELETE FROM lists WHERE id < 3")


def test_many_columns(replicate):
    columns = ", ".join(f"c{i} {('int', 'text', 'float8', 'timestamptz', 'numeric(12,3)')[i % 5]}" for i in range(600))
    replicate(f"CREATE TABLE wide (id int PRIMARY KEY, {columns}); INSERT INTO wide (id, c0, c1, c599) SELECT i, i, 't', 1.5 FROM generate_series(1, 50) i;",
              "UPDATE wide SET c598 = now(), c300 = 7 WHERE id < 10; DELETE FROM wide WHERE id = 20")


@pytest.mark.slow
def test_a_thousand_tables_are_copied_and_followed(source, sluice, compare):
    for i in range(0, 1000, 100):
        source.execute(";".join(
            f"CREATE TABLE t{j} (id int PRIMARY KEY, v text); INSERT INTO t{j} SELECT g, 'v' || g FROM generate_series(1, 5) g" for j in range(i, i + 100)))
    sluice.init()
    sluice.sync(timeout=120)
    for i in range(0, 1000, 100):
        source.execute(";".join(f"UPDATE t{j} SET v = 'w' WHERE id = 1; INSERT INTO t{j} VALUES (9, 'nine')" for j in range(i, i + 100)))
    sluice.sync(timeout=120)
    assert sluice.replica.scalar("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'") == 1000
    compare(tables=[f"t{i}" for i in range(0, 1000, 37)])
    assert len(catalog.tables(source)) == 1000


@pytest.mark.slow
def test_a_transaction_of_half_a_million_rows_streams_through_in_bounded_memory(source, sluice, compare):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b float8)")
    sluice.init()
    sluice.sync()
    source.execute("BEGIN; INSERT INTO t SELECT i, repeat(md5(i::text), 4), i / 7.0 FROM generate_series(1, 500000) i; UPDATE t SET b = 0 WHERE id % 10 = 0; COMMIT")
    sluice.start()
    peak = 0
    wanted = source.lsn()
    deadline = time.monotonic() + 100
    while min(sluice.bookmarks().values(), default=0) < wanted:
        assert sluice.running() and time.monotonic() < deadline, sluice.log_tail()
        with open(f"/proc/{sluice.pid}/status", encoding="ascii") as status:
            peak = max(peak, next(int(line.split()[1]) for line in status if line.startswith("VmHWM")))
    sluice.stop()
    compare()
    assert peak < 512 * 1024, f"{peak} kB resident"
