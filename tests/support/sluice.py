"""Runs the built program as its user would: from a folder, by its commands."""

import json
import os
import pathlib
import signal
import subprocess
import time

import psycopg
import yaml
from pyiceberg.exceptions import NoSuchTableError

from support.postgres import Database, lsn_number, lsn_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SLUICE_BINARY", ROOT / "build/release/sluice"))

# Exit codes, from the manual.
OK, FAILED, USAGE, FINDINGS, DEGRADED, NOT_FOUND, CONFLICT, REFUSED, TIMED_OUT = range(9)
UNAVAILABLE, NO_PERMISSION, CONFIG = 69, 77, 78


class Result:
    """What a command said and how it ended."""

    def __init__(self, command, code: int, stdout: str, stderr: str):
        self.command, self.code, self.stdout, self.stderr = command, code, stdout, stderr

    def json(self):
        return json.loads(self.stdout)

    def __repr__(self):
        return f"$ {' '.join(map(str, self.command))}\nexit {self.code}\n{self.stdout}\n{self.stderr}"


class Sluice:
    """One folder with sluice.yaml and local state, and at most one `sluice run` in the background."""

    def __init__(self, folder: pathlib.Path, source: Database, replica: Database, lake: pathlib.Path):
        self.folder, self.source, self.replica, self.lake = folder, source, replica, lake
        self.log = folder / "run.log"
        self._process = None

    # ── commands ──

    def command(self, *arguments, expect=OK, timeout: float = 90, env=None) -> Result:
        """Runs to the end. `expect`: the exit code that must come; None: any."""
        command = [BINARY, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, env={**os.environ, **(env or {})}, capture_output=True,
                              text=True, errors="replace", timeout=timeout, stdin=subprocess.DEVNULL)
        result = Result(["sluice", *arguments], done.returncode, done.stdout, done.stderr)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{result}\n")
        assert expect is None or done.returncode == expect, f"expected exit {expect}\n{result}"
        return result

    def init(self, commit_interval: str = "1s", source_dsn: str | None = None, replica_dsn: str | None = None) -> Result:
        """`sluice init`, and a lake that commits and compacts as often as tests like it, and gets no tags when an hour passes."""
        result = self.command("init", "--from", source_dsn or self.source.dsn(), "--to",
                              replica_dsn or self.replica.dsn(), "--lake", self.lake)
        self.configure(lambda config: config["sinks"]["lake"].update(commit={"interval": commit_interval}, maintenance={"look_every": "0s", "merge_at": 3}, tags={"hourly": 0, "daily": 0}))
        return result

    @property
    def config_file(self) -> pathlib.Path:
        return self.folder / "sluice.yaml"

    def configure(self, change):
        """Lets `change` edit the configuration in place."""
        config = yaml.safe_load(self.config_file.read_text())
        change(config)
        self.config_file.write_text(yaml.safe_dump(config, sort_keys=False))

    def sync(self, timeout: float = 90, env=None) -> Result:
        """`sluice run` up to everything that is committed on the source now; then it ends."""
        return self.command("run", "--until-lsn", lsn_text(self.source.lsn()), timeout=timeout, env=env)

    # ── in the background ──

    def start(self, env=None) -> "Sluice":
        assert not self.running()
        log = open(self.log, "ab")
        self._process = subprocess.Popen([BINARY, "run"], cwd=self.folder, env={**os.environ, **(env or {})},
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> int | None:
        """As the kernel's memory killer would. Returns how it had ended before, if it had."""
        return self._end(signal.SIGKILL)

    def stop(self, timeout: float = 30) -> int:
        code = self._end(signal.SIGTERM, timeout)
        assert code in (0, 130, 143), f"ended with {code}\n{self.log_tail()}"
        return code

    def terminate(self):
        self._process.terminate()

    def _end(self, how: signal.Signals, timeout: float = 30) -> int | None:
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(how)
        code = self._process.wait(timeout)
        self._process = None
        return code

    def wait_answering(self, timeout: float = 30):
        """Until `sluice status` gets an answer."""
        deadline = time.monotonic() + timeout
        while self.command("status", expect=None).code != OK:
            assert self.running() and time.monotonic() < deadline, self.log_tail()
            time.sleep(0.1)

    def wait_said(self, words: str, timeout: float = 60):
        """Until the log of `sluice run` has these words."""
        deadline = time.monotonic() + timeout
        while words not in self.log.read_text(errors="replace"):
            assert self.running() and time.monotonic() < deadline, f"never said {words!r}\n{self.log_tail()}"
            time.sleep(0.1)

    def wait_exit(self, timeout: float = 60) -> int:
        code = self._process.wait(timeout)
        self._process = None
        return code

    def bookmarks(self) -> dict:
        """Durable LSN by sink; empty before the first commit."""
        result = self.command("bookmark", "list", "--json", expect=None, timeout=20)
        if result.code != OK:
            return {}
        return {entry["sink"]: lsn_number(entry["lsn"]) for entry in result.json()["bookmarks"] if entry.get("lsn")}

    def wait_until(self, lsn: int | None = None, timeout: float = 60, sinks: int = 2):
        """Until all sinks are durable up to `lsn`, by default everything committed on the source now."""
        wanted = self.source.lsn() if lsn is None else lsn
        deadline = time.monotonic() + timeout
        while True:
            bookmarks = self.bookmarks()
            if len(bookmarks) == sinks and min(bookmarks.values()) >= wanted:
                return
            assert self.running(), f"run ended with {self._process and self._process.returncode}\n{self.log_tail()}"
            assert time.monotonic() < deadline, \
                f"not at {lsn_text(wanted)} in {timeout} s: {bookmarks}\n{self.log_tail()}"
            time.sleep(0.2)

    def table(self, name: str) -> dict:
        """What `sluice tables` says of one table."""
        return next(entry for entry in self.command("tables", "--json").json()["tables"] if entry["table"] == name)

    def wait_settled(self, timeout: float = 60):
        """Until every table is copied and followed everywhere."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.command("tables", "--json", expect=None)
            tables = result.json()["tables"] if result.code == OK else []
            others = [entry for entry in tables if entry["state"] != "streaming"]
            if tables and not others:
                return
            assert self.running(), f"run ended with {self._process and self._process.returncode}\n{self.log_tail()}"
            assert time.monotonic() < deadline, f"not settled: {others}\n{self.log_tail()}"
            time.sleep(0.2)

    def wait_equal(self, compare, timeout: float = 60):
        """Until both destinations are like the source. Nobody tells when the next look at the catalog is done."""
        deadline = time.monotonic() + timeout
        while True:
            self.wait_settled()
            self.wait_until()
            try:
                return compare()
            except (AssertionError, psycopg.Error, NoSuchTableError):  # Not there yet: rows, or a column, or the table.
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.3)

    def wait_table(self, name: str, timeout: float = 60, **wanted):
        """Until `sluice tables` says this of the table, e.g. state="streaming"; and is durable up to now."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.command("tables", name, "--json", expect=None)
            entry = next(iter(result.json()["tables"]), {}) if result.code == OK else {}
            if entry and all(entry[key] == value for key, value in wanted.items()):
                return entry
            assert self.running(), self.log_tail()
            assert time.monotonic() < deadline, f"{name} is {entry}, not {wanted}\n{self.log_tail()}"
            time.sleep(0.2)

    def log_tail(self, size: int = 6000) -> str:
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""
