"""A table of some megabytes and a load that moves its rows about: what a copy that is interrupted must get right."""

from support.postgres import Database
from support.workload import Load

# About 13 ranges of 1 MiB. The bodies of some rows are TOASTed and stay untouched by most updates; text that does not
# compress, so that files of the lake fill.
LEDGER = """
CREATE TABLE ledger (id bigint PRIMARY KEY, note text NOT NULL, code uuid NOT NULL, body text);
ALTER TABLE ledger ALTER body SET STORAGE EXTERNAL;
INSERT INTO ledger SELECT i, 'note ' || md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) || md5((i + 3)::text) || md5(i * 7 || 'a') || md5(i * 7 || 'b'), md5(i::text)::uuid,
  CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5((i * 1000 + j)::text), '') FROM generate_series(1, 150) j) END FROM generate_series(1, 40000) i;
"""

# One pass of them all; {n} keeps passes apart. The vacuum frees room, so that rows move to the front too.
MOVES = [
    "UPDATE ledger SET note = left(note, 190) || ' {n}' WHERE id % 53 = {n} % 53",
    "UPDATE ledger SET note = left(note, 190) || ' toasted {n}' WHERE id % 400 = 0",
    "DELETE FROM ledger WHERE id % 101 = {n} % 101",
    "INSERT INTO ledger SELECT i, 'again {n}', md5('{n}')::uuid FROM generate_series(101 - ({n} - 1) % 101, 40000, 101 * 7) i ON CONFLICT DO NOTHING",
    "UPDATE ledger l SET id = -id WHERE abs(id) % 211 = {n} % 211 AND NOT EXISTS (SELECT FROM ledger o WHERE o.id = -l.id)",
    "INSERT INTO ledger SELECT 100000 + {n} * 10 + i, 'new', md5('n{n}')::uuid, repeat('b', 3000) FROM generate_series(1, 10) i ON CONFLICT DO NOTHING",
    "BEGIN; UPDATE ledger l SET id = id + 1000000 WHERE id % 307 = {n} % 307 AND id < 1000000 AND NOT EXISTS (SELECT FROM ledger o WHERE o.id = l.id + 1000000); "
    "UPDATE ledger l SET id = id - 1000000 WHERE id > 900000 AND id % 2 = 0 AND NOT EXISTS (SELECT FROM ledger o WHERE o.id = l.id - 1000000); COMMIT",
    "VACUUM ledger",
]


def move_rows(database: Database, first: int, passes: int = 1):
    for n in range(first, first + passes):
        for statement in MOVES:
            database.execute(statement.format(n=n))


class MovingLoad(Load):
    def __init__(self, source: Database):
        super().__init__(source, MOVES, pause=0.02, passes=1000)
