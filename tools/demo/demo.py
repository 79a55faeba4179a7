#!/usr/bin/env python3
"""The demo after the build: two servers and a lake, a minute of live load, and the proof. Called by tools/demo/run."""

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import psycopg

from servers import ThrowAwayServer
from terminal import bold, dim, heading, red, say, step

SLUICE = pathlib.Path(os.environ.get("SLUICE_BINARY", ROOT / "build/release/sluice"))
SECONDS = float(os.environ.get("DEMO_SECONDS", "60"))
GIANT_ROWS = int(os.environ.get("DEMO_GIANT_ROWS", "1000000"))
KEEP = os.environ.get("KEEP", "0") not in ("", "0")
LAKE_INTERVAL = "sinks.lake.commit.interval=5s"  # A demo is short; the default is a minute.
CATCH_UP_MAX_SECONDS = 180

PLAY = """
{title}
  source    psql -h {folder}/source -U postgres company
  replica   psql -h {folder}/replica -U postgres company
  sluice    cd {folder}/project && {sluice} status
  load      {python} {here}/workload.py 'host={folder}/source user=postgres dbname=company' --seconds 20
  proof     {python} {here}/proof.py --source 'host={folder}/source user=postgres dbname=company' \\
              --replica 'host={folder}/replica user=postgres dbname=company' --lake {folder}/lake
  lake      {python}
              from pyiceberg.catalog.sql import SqlCatalog
              lake = SqlCatalog("sluice", uri="sqlite:///{folder}/lake/catalog.db")
              shots = lake.load_table("public.shots")
              shots.scan(row_filter="carry_m > 240", selected_fields=("shot_id", "club", "carry_m")).to_arrow()
              import sys; sys.path.insert(0, "{root}/tests")
              from support.lake import open_duckdb        # DuckDB with its Iceberg extension
              open_duckdb().sql(f"SELECT club, count(*), avg(carry_m) FROM iceberg_scan('{{shots.metadata_location}}') GROUP BY 1")
  stop      {folder}/stop
"""


class Demo:
    def __init__(self):
        self.start = time.monotonic()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-demo-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.project, self.lake = self.folder / "project", self.folder / "lake"
        self.servers, self.children = [], []
        self.first_row = None
        self.ending = threading.Event()

    # ── the story ──

    def tell(self) -> int:
        heading("The example company")
        with step("source and replica: PostgreSQL 15") as it:
            self.source = self._server("source")
            self.replica = self._server("replica")
            with self.replica.connect() as connection:
                connection.execute("CREATE EXTENSION btree_gist")  # For the constraint of bookings.
            it.done = f"source and replica: PostgreSQL 15 in {self.folder}"
        with step("filling the source") as it:
            self.source.psql_file(HERE / "schema.sql")
            self.source.psql_file(HERE / "fill.sql")
            with self.source.connect() as connection:
                count, rows = connection.execute("SELECT count(*) FILTER (WHERE NOT relispartition), sum(reltuples) FILTER (WHERE relkind = 'r')::bigint FROM pg_class "
                                                 "WHERE relkind IN ('r', 'p') AND relnamespace IN ('public'::regnamespace, '\"Front Desk\"'::regnamespace)").fetchone()
            it.done = f"source filled: {count} tables, {rows:,} rows"
        threading.Thread(target=self._watch_for_first_row, daemon=True).start()

        self.project.mkdir()
        self._command("init", "--from", self.source.dsn(), "--to", self.replica.dsn(), "--lake", self.lake)
        self._command("check")
        report = self._run_under_load()
        self._sum_up(report)
        equal = subprocess.run([sys.executable, HERE / "proof.py", "--source", self.source.dsn(), "--replica", self.replica.dsn(), "--lake", self.lake]).returncode
        if KEEP:
            self._stay()
        return equal

    def _run_under_load(self) -> dict:
        """Initial copy and live load at once; returns what the load was, when both sinks have all of it."""
        self._show_command("run", "-X", LAKE_INTERVAL)
        sluice = self._child([SLUICE, "run", "-X", LAKE_INTERVAL], cwd=self.project)
        load = self._child([sys.executable, HERE / "workload.py", self.source.dsn(), "--seconds", str(SECONDS), "--giant-rows", str(GIANT_ROWS)],
                           stdout=subprocess.PIPE, text=True)
        while load.poll() is None:
            if sluice.poll() is not None:
                raise Failed(f"sluice run ended with exit code {sluice.returncode}")
            time.sleep(0.2)
        if load.returncode:
            raise Failed("the load failed")
        report = json.loads(load.stdout.read())
        stopped = time.monotonic()
        report["caught_up_seconds"] = self._wait_for_both(sluice) - stopped
        sluice.send_signal(signal.SIGINT)
        if sluice.wait(60) not in (0, 130):
            raise Failed(f"sluice run ended with exit code {sluice.returncode}")
        return report

    def _wait_for_both(self, sluice) -> float:
        """Until both bookmarks have passed everything on the source. Returns when."""
        with self.source.connect() as connection:
            wanted = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
        deadline = time.monotonic() + CATCH_UP_MAX_SECONDS
        while time.monotonic() < deadline and sluice.poll() is None:
            done = subprocess.run([SLUICE, "bookmark", "list", "--json"], cwd=self.project, capture_output=True, text=True)
            if done.returncode == 0:
                reached = [lsn_number(bookmark["lsn"]) for bookmark in json.loads(done.stdout)["bookmarks"] if bookmark.get("lsn")]
                if len(reached) == 2 and min(reached) >= lsn_number(wanted):
                    return time.monotonic()
            time.sleep(0.3)
        raise Failed(f"the sinks did not reach {wanted}")

    def _sum_up(self, report: dict):
        heading("What happened")
        first = f"{self.first_row:.1f} s after the build" if self.first_row else "not seen"
        say(f"  first replicated row   {first}")
        say(f"  live load              {report['transactions']:,} transactions of {len(report['kinds'])} kinds in {report['seconds']:.0f} s")
        if report["giant_rows"]:
            say(f"  in the midst of it     one transaction of {report['giant_rows']:,} rows, {report['giant_seconds']:.1f} s long")
        say(f"  both sinks had it all  {report['caught_up_seconds']:.1f} s after the load ended; the lake commits every 5 s")

    # ── staying up ──

    def _stay(self):
        log = open(self.folder / "run.log", "ab")
        run = subprocess.Popen([SLUICE, "run", "-X", LAKE_INTERVAL], cwd=self.project, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        stop = self.folder / "stop"
        pids = " ".join(str(server.process.pid) for server in self.servers)
        stop.write_text(f"#!/bin/sh\nkill {run.pid} 2>/dev/null\nwhile kill -0 {run.pid} 2>/dev/null; do sleep 0.1; done\n"
                        f"kill -QUIT {pids} 2>/dev/null\nwhile kill -0 {pids.split()[0]} 2>/dev/null; do sleep 0.1; done\nrm -rf {self.folder}\n")
        stop.chmod(0o755)
        say(PLAY.format(title=bold("Everything stays up. Play with it:"), folder=self.folder, sluice=SLUICE, python=sys.executable, here=HERE, root=ROOT))
        self.servers, self.folder = [], None

    # ── parts ──

    def _server(self, name: str) -> ThrowAwayServer:
        server = ThrowAwayServer(self.folder / name, outlives_us=KEEP)
        self.servers.append(server)
        return server

    def _watch_for_first_row(self):
        """Notes when any table of the replica shows a row."""
        tables = "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'Front Desk'))"
        while not self.ending.wait(0.1):
            try:
                with self.replica.connect() as connection:
                    for (table,) in connection.execute(tables).fetchall():
                        if connection.execute(f"SELECT FROM {table} LIMIT 1").fetchone() is not None:
                            self.first_row = time.monotonic() - self.start
                            return
            except psycopg.Error:
                continue  # A table that is just being made.

    def _command(self, *arguments):
        self._show_command(*arguments)
        code = self._child([SLUICE, *arguments], cwd=self.project).wait()
        if code:
            raise Failed(f"sluice {arguments[0]} ended with exit code {code}")

    @staticmethod
    def _show_command(*arguments):
        say(f"\n{dim('$')} {bold('sluice ' + shlex.join(map(str, arguments)))}")

    def _child(self, command: list, **options) -> subprocess.Popen:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.children.append(child)
        return child

    def clean_up(self):
        self.ending.set()
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
        for server in self.servers:
            server.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Failed(Exception):
    """Ends the demo with a sentence."""


def lsn_number(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def interrupted(signal_number, frame):
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    demo = Demo()
    try:
        return demo.tell()
    except KeyboardInterrupt:
        say(f"\n{dim('stopping')}")
        return 130
    except Failed as failure:
        say(f"\n{red('✗')} {failure}")
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # A second Ctrl-C must not leave servers behind.
        demo.clean_up()


if __name__ == "__main__":
    sys.exit(main())
