"""Partitioned tables arrive as partitioned tables, and in the lake as one."""

import signal

from support import catalog

RANGE = """
CREATE TABLE m (device int, at timestamptz, v float8, note text, PRIMARY KEY (device, at)) PARTITION BY RANGE (at);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z') PARTITION BY LIST (device);
CREATE TABLE m_2_odd PARTITION OF m_2 FOR VALUES IN (1, 3, 5, 7, 9); CREATE TABLE m_2_rest PARTITION OF m_2 DEFAULT;
CREATE TABLE m_rest PARTITION OF m DEFAULT;
INSERT INTO m SELECT i % 10, '2026-01-15Z'::timestamptz + i * interval '1 h', i, 'n' FROM generate_series(1, 1500) i;
"""


def leaf_rows(database):
    return [(str(t), database.scalar(f"SELECT count(*) FROM {t.sql}")) for t in catalog.tables(database, leaves=True)]


def test_each_row_lies_in_its_partition_of_the_replica(source, replica, replicate):
    replicate(RANGE, "UPDATE m SET v = -v WHERE device = 3", "DELETE FROM m WHERE device = 4", "INSERT INTO m VALUES (99, '2030-01-01Z', 1, 'far')")
    assert leaf_rows(replica) == leaf_rows(source)


def test_a_row_moves_between_partitions(source, replica, replicate):
    replicate(RANGE, "UPDATE m SET at = at + interval '31 days' WHERE device = 5 AND at < '2026-02-01Z'",
              "UPDATE m SET device = device + 1 WHERE device = 9 AND at < '2026-03-01Z'")
    assert leaf_rows(replica) == leaf_rows(source)


def test_hash_partitions_and_columns_in_another_order(replicate):
    replicate("""
        CREATE TABLE h (id bigint PRIMARY KEY, a text, b int) PARTITION BY HASH (id);
        CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE h_1 (b int, dropped int, id bigint NOT NULL, a text); ALTER TABLE h_1 DROP COLUMN dropped;
        ALTER TABLE h ATTACH PARTITION h_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO h SELECT i, 'a' || i, i FROM generate_series(1, 200) i;
        """, "UPDATE h SET b = b + 1 WHERE id % 3 = 0", "UPDATE h SET id = id + 1000 WHERE id % 5 = 0", "DELETE FROM h WHERE id < 50")


def test_inheritance_children_are_tables_of_their_own(replicate):
    replicate("""
        CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent);
        INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 10) i; INSERT INTO child SELECT i, 'c', i FROM generate_series(11, 20) i;
        """, "UPDATE parent SET v = 'both'", "DELETE FROM parent WHERE id IN (5, 15)")


def test_a_partition_leaves_while_its_table_is_to_be_copied_again(source, sluice, compare):
    source.execute(RANGE)
    sluice.init()
    sluice.sync()
    sluice.command("resync", "public.m")
    source.execute("ALTER TABLE m DETACH PARTITION m_1; UPDATE m_1 SET note = 'alone'; INSERT INTO m VALUES (1, '2026-01-20Z', 1, 'rest')")
    sluice.sync()
    compare()
    source.execute("DELETE FROM m_1 WHERE device = 3; UPDATE m SET note = 'later'")
    sluice.sync()
    compare()


def test_tables_are_renamed_and_partitions_move_behind_an_interrupted_copy(source, sluice, compare):
    source.execute(RANGE + "CREATE TABLE n (LIKE m, PRIMARY KEY (device, at)) PARTITION BY RANGE (at);")
    sluice.init()
    sluice.command("run", "--until-caught-up", env={"SLUICE_FAILPOINTS": "pipeline.tables_prepared=kill"}, expect=-signal.SIGKILL)
    source.execute("ALTER TABLE m DETACH PARTITION m_1; ALTER TABLE n ATTACH PARTITION m_1 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')")
    source.execute("ALTER TABLE m RENAME TO measured; INSERT INTO n VALUES (100, '2026-01-20Z', 1, 'n'); INSERT INTO measured VALUES (100, '2026-01-20Z', 1, 'rest')")
    sluice.sync()
    compare()


def test_a_partition_goes_from_one_table_to_another(source, sluice, compare):
    source.execute(RANGE + "CREATE TABLE n (LIKE m, PRIMARY KEY (device, at)) PARTITION BY RANGE (at);")
    sluice.init()
    sluice.sync()
    source.execute("ALTER TABLE m DETACH PARTITION m_1; ALTER TABLE n ATTACH PARTITION m_1 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')")
    source.execute("INSERT INTO n VALUES (100, '2026-01-20Z', 1, 'n'); INSERT INTO m VALUES (100, '2026-01-20Z', 1, 'rest')")
    sluice.sync()
    compare()


def test_a_partition_is_dropped_and_made_anew_with_rows_of_the_same_keys(source, sluice, compare):
    source.execute(RANGE)
    sluice.init()
    sluice.sync()
    source.execute("DROP TABLE m_1; CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')")
    source.execute("INSERT INTO m SELECT i % 10, '2026-01-15Z'::timestamptz + i * interval '1 h', -i, 'anew' FROM generate_series(1, 100) i")
    sluice.sync()
    compare()
