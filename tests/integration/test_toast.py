"""Large values that an update does not touch are not sent; they must stay, in both destinations."""

TOASTED = """
CREATE TABLE doc (id int PRIMARY KEY, n int, body text, extra jsonb);
ALTER TABLE doc ALTER body SET STORAGE EXTERNAL, ALTER extra SET STORAGE EXTERNAL;
INSERT INTO doc SELECT i, 0, repeat(chr(64 + i), 10000 + i), jsonb_build_object('x', repeat('y', 9000 + i)) FROM generate_series(1, 20) i;
"""


def test_an_untouched_large_value_stays(replicate):
    replicate(TOASTED,
              "UPDATE doc SET n = n + 1 WHERE id <= 5",
              ["UPDATE doc SET n = n + 1 WHERE id <= 10", "UPDATE doc SET n = n + 1 WHERE id <= 10", "UPDATE doc SET body = 'now short' WHERE id = 3"],
              "UPDATE doc SET body = NULL WHERE id = 4; UPDATE doc SET n = 77 WHERE id = 4")


def test_it_stays_when_the_key_changes(replicate):
    replicate(TOASTED, "UPDATE doc SET id = id + 100 WHERE id <= 5",
              "BEGIN; UPDATE doc SET id = 200 WHERE id = 6; UPDATE doc SET n = 5 WHERE id = 200; UPDATE doc SET id = 201 WHERE id = 200; COMMIT")


def test_it_stays_over_many_updates_in_one_transaction(replicate):
    replicate(TOASTED,
              "BEGIN; INSERT INTO doc VALUES (50, 0, repeat('z', 20000), NULL); UPDATE doc SET n = 1 WHERE id = 50; UPDATE doc SET n = 2 WHERE id = 50; COMMIT",
              "BEGIN; UPDATE doc SET body = repeat('w', 30000) WHERE id = 7; UPDATE doc SET n = 3 WHERE id = 7; UPDATE doc SET n = 4 WHERE id = 7; COMMIT",
              "BEGIN; UPDATE doc SET n = 1 WHERE id = 8; UPDATE doc SET extra = '{}' WHERE id = 8; UPDATE doc SET n = 2 WHERE id = 8; COMMIT",
              "BEGIN; UPDATE doc SET n = 1 WHERE id = 9; DELETE FROM doc WHERE id = 9; COMMIT")


def test_it_stays_under_full_identity_without_a_key(replicate):
    replicate("""
        CREATE TABLE loose (n int, body text); ALTER TABLE loose ALTER body SET STORAGE EXTERNAL; ALTER TABLE loose REPLICA IDENTITY FULL;
        INSERT INTO loose SELECT i, repeat(chr(64 + i), 12000) FROM generate_series(1, 10) i;
        """, "UPDATE loose SET n = n + 100 WHERE n < 5", "DELETE FROM loose WHERE n = 7")


def test_it_stays_in_a_streamed_transaction(source, replicate):
    source.execute(f"ALTER DATABASE {source.name} SET logical_decoding_work_mem = '64kB'")
    replicate(TOASTED, "BEGIN; UPDATE doc SET n = n + 1; INSERT INTO doc SELECT i, i, repeat('q', 9000), NULL FROM generate_series(100, 300) i; "
                       "UPDATE doc SET n = n + 1; UPDATE doc SET id = id + 1000 WHERE id < 5; COMMIT")
