"""Live load on a source, while the program runs."""

import subprocess
import threading

from support.postgres import Database

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"

# Small tables of every kind of change; the failpoints and random kills run over them.
MIXED_SCHEMA = """
CREATE TABLE account (id bigint PRIMARY KEY, owner text NOT NULL, balance numeric(12,2) NOT NULL, seen timestamptz);
CREATE TABLE document (id int PRIMARY KEY, version int NOT NULL, body text);
ALTER TABLE document ALTER body SET STORAGE EXTERNAL;
CREATE TABLE event (at timestamptz NOT NULL DEFAULT clock_timestamp(), kind text, payload jsonb);
ALTER TABLE event REPLICA IDENTITY FULL;
CREATE TABLE reading (device int, day date, value float8, PRIMARY KEY (device, day)) PARTITION BY RANGE (day);
CREATE TABLE reading_2026 PARTITION OF reading FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE reading_later PARTITION OF reading DEFAULT;
CREATE TABLE scratch (id int PRIMARY KEY, note text);
INSERT INTO account SELECT i, 'owner ' || i, i * 1.25, now() FROM generate_series(1, 2000) i;
INSERT INTO document SELECT i, 1, repeat(md5(i::text), 300) FROM generate_series(1, 100) i;
INSERT INTO event SELECT now(), 'start', jsonb_build_object('i', i % 3) FROM generate_series(1, 50) i;
INSERT INTO reading SELECT i, '2026-05-01', i / 3.0 FROM generate_series(1, 300) i;
INSERT INTO scratch SELECT i, 'x' FROM generate_series(1, 20) i;
"""

# One pass of them all; {n} keeps passes apart.
MIXED_CHANGES = [
    "INSERT INTO account SELECT 100000 + {n} * 100 + i, 'new', i, now() FROM generate_series(1, 20) i",
    "UPDATE account SET balance = balance + 1, seen = clock_timestamp() WHERE id % 97 = {n} % 97",
    "UPDATE account SET id = -id WHERE id = 1 + {n} % 2000 OR id = -(1 + {n} % 2000)",
    "DELETE FROM account WHERE id = 100000 + ({n} - 1) * 100 + 7",
    "UPDATE document SET version = version + 1 WHERE id % 10 = {n} % 10",
    "UPDATE document SET id = id + 1000, version = 0 WHERE id = (SELECT min(id) FROM document)",
    "UPDATE document SET body = repeat(md5('{n}'), 400) WHERE id % 33 = {n} % 33",
    "INSERT INTO event SELECT '2026-01-01', 'dup', '{{\"same\": true}}' FROM generate_series(1, 3)",
    "DELETE FROM event WHERE ctid = (SELECT min(ctid) FROM event)",
    "UPDATE event SET kind = 'seen' WHERE ctid = (SELECT max(ctid) FROM event)",
    "UPDATE reading SET day = day + 300 * (CASE WHEN day < '2027-01-01' THEN 1 ELSE -1 END) WHERE device = 1 + {n} % 300",
    "BEGIN; INSERT INTO scratch VALUES (1000 + {n}, 'kept'); SAVEPOINT s; DELETE FROM scratch; ROLLBACK TO s; "
    "UPDATE scratch SET note = note || '{n}' WHERE id % 7 = {n} % 7; COMMIT",
    "BEGIN; INSERT INTO account SELECT 5000000 + {n} * 1000 + i, 'bulk', 0, NULL FROM generate_series(1, 600) i; "
    "SAVEPOINT s; UPDATE account SET owner = 'nobody' WHERE id > 5000000; ROLLBACK TO s; "
    "DELETE FROM account WHERE id BETWEEN 5000000 + ({n} - 1) * 1000 AND 5000000 + ({n} - 1) * 1000 + 500; COMMIT",
    "BEGIN; TRUNCATE scratch; INSERT INTO scratch SELECT i, 'again' FROM generate_series(1, 20) i; COMMIT",
]


def stream_small_transactions(source: Database):
    """Makes the server stream open transactions from 64 kB on, as it does at 64 MB by default."""
    source.execute(f'ALTER DATABASE "{source.name}" SET logical_decoding_work_mem = \'64kB\'')


class Load:
    """Runs statements again and again in a thread until stopped, with {n} the number of the pass."""

    def __init__(self, source: Database, statements, pause: float, passes: int = 0):
        self._source, self._statements, self._pause = source, statements, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.passes = passes
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
        try:
            with self._source.connect() as connection:
                while not self._stop.is_set():
                    self.passes += 1
                    for statement in self._statements:
                        connection.execute(statement.format(n=self.passes))
                        if self._stop.wait(self._pause):
                            return
        except Exception as error:  # Raised to the test by __exit__.
            self.error = error


class MixedLoad(Load):
    """MIXED_CHANGES again and again."""

    def __init__(self, source: Database, pause: float = 0.01):
        super().__init__(source, MIXED_CHANGES, pause)


def pgbench_init(source: Database, scale: int):
    subprocess.run([PGBENCH, "-q", "-i", "-s", str(scale), source.dsn()], check=True, capture_output=True)


def pgbench(source: Database, seconds: int, clients: int = 4) -> subprocess.Popen:
    return subprocess.Popen([PGBENCH, "-n", "-c", str(clients), "-j", "1", "-T", str(seconds), source.dsn()],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
