"""A table of some megabytes and a load that moves its rows about: what a copy that is interrupted must get right."""

import threading

from support.postgres import Database

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


class MovingLoad:
    """Runs MOVES again and again in a thread until stopped."""

    def __init__(self, source: Database):
        self._source = source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)
        if self.error is not None:
            raise self.error

    def _run(self):
        n = 1000
        try:
            with self._source.connect() as connection:
                while True:
                    n += 1
                    for statement in MOVES:
                        connection.execute(statement.format(n=n))
                        if self._stop.wait(0.02):
                            return
        except Exception as error:  # Raised to the test by __exit__.
            self.error = error
