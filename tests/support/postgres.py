"""Private PostgreSQL servers of every major version, and databases in them."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg
from psycopg import sql

from support.deps import DEPS

MAJORS = (14, 15, 16, 17, 18)
DEFAULT_MAJOR = 15

SETTINGS = """
listen_addresses = ''
wal_level = logical
max_wal_senders = 40
max_replication_slots = 40
max_connections = 200
max_prepared_transactions = 20
fsync = off
shared_buffers = 64MB
wal_sender_timeout = 60s
log_min_messages = warning
"""


def binaries(major: int) -> pathlib.Path:
    """The folder with initdb and postgres, as tools/setup left it."""
    if major == 15:
        return pathlib.Path("/usr/lib/postgresql/15/bin")
    pg = pathlib.Path("/var/cache/sluice/pg") if os.geteuid() == 0 else DEPS / "pg"
    return pg / str(major) / "bin"


def as_server_user(command: list, die_with_parent: bool = False) -> list:
    """PostgreSQL refuses to run as root."""
    prefix = ["setpriv"]
    if os.geteuid() == 0:
        prefix += ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    if die_with_parent:
        prefix += ["--pdeathsig=QUIT"]
    return [*prefix, *map(str, command)] if len(prefix) > 1 else list(map(str, command))


class PostgresServer:
    """One cluster on a Unix socket in /tmp; dies with the test process and leaves nothing."""

    def __init__(self, major: int = DEFAULT_MAJOR, settings: str = "", environment=None):
        """`environment(data_folder)`: variables of the server's processes."""
        self.major = major
        self.bin = binaries(major)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-pg-", dir="/tmp"))
        self.folder.chmod(0o777)
        self.data = self.folder / "data"
        self._environment = {name: str(value) for name, value in environment(self.data).items()} if environment else {}
        self._process = None
        self._databases = itertools.count(1)
        self._run([self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync",
                   "-E", "UTF8", "--locale=C.UTF-8"])
        extra = self.folder / "extra.conf"
        extra.write_text(f"unix_socket_directories = '{self.folder}'\n{SETTINGS}\n{settings}\n")
        extra.chmod(0o644)
        self._run(["sh", "-c", f"echo \"include '{extra}'\" >> {self.data}/postgresql.conf"])
        self.start()

    def _run(self, command):
        done = subprocess.run(as_server_user(command), cwd="/tmp", env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def start(self):
        log = open(self.folder / "server.log", "ab")
        self._process = subprocess.Popen(
            as_server_user([self.bin / "postgres", "-D", self.data], die_with_parent=True), cwd="/tmp",
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], **self._environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                running = self._process.poll() is None and time.monotonic() < deadline
                assert running, (self.folder / "server.log").read_text()[-2000:]
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT, timeout: float = 60):
        """SIGINT: fast, SIGQUIT: immediate, as pg_ctl has it."""
        if self._process is None or self._process.poll() is not None:
            return
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, how)
        self._process.wait(timeout)

    def restart(self, how: signal.Signals = signal.SIGINT):
        self.stop(how)
        self.start()

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str, user: str = "postgres") -> str:
        return f"host={self.folder} dbname={database} user={user}"

    def new_database(self, prefix: str = "test") -> "Database":
        name = f"{prefix}{next(self._databases)}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return Database(self, name)


class Database:
    """A database that a test fills and asks."""

    def __init__(self, server: PostgresServer, name: str):
        self.server = server
        self.name = name
        self._connection = None

    def dsn(self, user: str = "postgres") -> str:
        return self.server.dsn(self.name, user)

    def connect(self, autocommit: bool = True, user: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.dsn(user), autocommit=autocommit)

    def execute(self, statement, parameters=None):
        """Runs statements (several when they have no parameters), each batch its own transaction."""
        return self._own().execute(statement, parameters)

    def rows(self, statement, parameters=None) -> list:
        return self._own().execute(statement, parameters).fetchall()

    def scalar(self, statement, parameters=None):
        return self._own().execute(statement, parameters).fetchone()[0]

    def _own(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = self.connect()
        return self._connection

    def close(self):
        """Forgets the connection, as before a restart of the server."""
        if self._connection is not None:
            self._connection.close()

    def lsn(self) -> int:
        """Everything committed so far ends at or before it."""
        return lsn_number(self.scalar("SELECT pg_current_wal_flush_lsn()::text"))

    def slots(self) -> list:
        return self.rows("SELECT slot_name FROM pg_replication_slots WHERE database = current_database() ORDER BY 1")

    def publications(self) -> list:
        return self.rows("SELECT pubname FROM pg_publication ORDER BY 1")

    def drop(self):
        """With its slots, whoever still reads them."""
        self.close()
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name])
            deadline = time.monotonic() + 20
            while True:
                try:
                    connection.execute(
                        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", [self.name])
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(self.name)))
                    return
                except psycopg.Error:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)


def lsn_number(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(number: int) -> str:
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
