"""The limits: what the machine and PostgreSQL itself can do with the same rows."""

import json
import os
import pathlib
import subprocess
import time

PROGRAMS = pathlib.Path(os.environ.get("BENCH_PROGRAMS", pathlib.Path(__file__).resolve().parents[1] / "build/release/bench"))


def program(name: str, *arguments) -> dict:
    done = subprocess.run([PROGRAMS / name, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


def timed(run) -> float:
    start = time.monotonic()
    run()
    return time.monotonic() - start


def copy_through_psql(source, replica, table: str, parallel: int) -> float:
    """psql | psql, in binary, by ranges of blocks; then the primary key, which the other side also ends with. Returns seconds."""
    replica.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    blocks = source.scalar(f"SELECT pg_relation_size('{table}') / current_setting('block_size')::int")

    def run():
        pipes = []
        for i in range(parallel):
            rows = f"SELECT * FROM {table} WHERE ctid >= '({blocks * i // parallel},0)' AND ctid < '({blocks * (i + 1) // parallel},0)'"
            reader = subprocess.Popen(["psql", "-Xqd", source.dsn(), "-c", f"COPY ({rows}) TO STDOUT (FORMAT binary)"], stdout=subprocess.PIPE)
            writer = subprocess.Popen(["psql", "-Xqd", replica.dsn(), "-c", f"COPY {table} FROM STDIN (FORMAT binary)"], stdin=reader.stdout)
            reader.stdout.close()
            pipes += [reader, writer]
        if any([pipe.wait() for pipe in pipes]):
            raise RuntimeError("psql failed")
        replica.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({source.scalar(KEY.format(table))})")

    return timed(run)


KEY = "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] WHERE indisprimary AND indrelid = '{}'::regclass"


class Subscription:
    """The server's own logical replication into a database that already holds the rows."""

    def __init__(self, source, replica, name: str, publication: str):
        self.source, self.replica, self.name = source, replica, name
        # The slot first: what is written from now on is its backlog.
        source.execute(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
        replica.execute(f"CREATE SUBSCRIPTION {name} CONNECTION '{source.dsn()}' PUBLICATION {publication} "
                        f"WITH (create_slot = false, slot_name = '{name}', copy_data = false, binary = true, streaming = on, enabled = false)")

    def enable(self):
        self.replica.execute(f"ALTER SUBSCRIPTION {self.name} ENABLE")

    def disable(self):
        self.replica.execute(f"ALTER SUBSCRIPTION {self.name} DISABLE")
        while self.source.scalar(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{self.name}'"):
            time.sleep(0.02)

    def seconds_until(self, condition: str, seconds_max: float = 600) -> float:
        """From being enabled to when the SQL `condition` is true on the replica."""

        def run():
            self.enable()
            deadline = time.monotonic() + seconds_max
            while not self.replica.scalar(f"SELECT {condition}"):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not arrive in {seconds_max} s")
                time.sleep(0.005)

        return timed(run)

    def drop(self):
        self.disable()
        self.replica.execute(f"ALTER SUBSCRIPTION {self.name} SET (slot_name = NONE); ")
        self.replica.execute(f"DROP SUBSCRIPTION {self.name}")
