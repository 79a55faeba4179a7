"""A throw-away PostgreSQL server, as an ordinary user, on a socket in the demo's folder."""

import pathlib
import signal
import subprocess
import sys
import time

import psycopg
from support.postgres import as_server_user, binaries

BIN = binaries(15)
SETTINGS = """
listen_addresses = ''
wal_level = logical
max_replication_slots = 10
max_wal_senders = 10
shared_buffers = 128MB
max_wal_size = 4GB
fsync = off                     # The demo's data may die with the machine.
log_min_messages = warning
"""


class ThrowAwayServer:
    def __init__(self, folder: pathlib.Path, outlives_us: bool):
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o777)  # Its user isn't ours.
        self._run(BIN / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        settings = folder / "settings.conf"
        settings.write_text(f"unix_socket_directories = '{folder}'\n{SETTINGS}")
        settings.chmod(0o644)
        with open(folder / "server.log", "wb") as log:
            # A session of its own: Ctrl-C is for us, and we stop the server last.
            self.process = subprocess.Popen(as_server_user([BIN / "postgres", "-D", folder / "data", "-c", f"config_file={settings}",
                                                            "-c", f"hba_file={folder}/data/pg_hba.conf"], die_with_parent=not outlives_us),
                                            cwd="/tmp", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._wait()
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE company")

    def dsn(self, database: str = "company") -> str:
        return f"host={self.folder} user=postgres dbname={database}"

    def connect(self, database: str = "company") -> psycopg.Connection:
        return psycopg.connect(self.dsn(database), autocommit=True)

    def psql_file(self, file: pathlib.Path):
        done = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(), "-f", file], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{file.name}: {done.stderr}")

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)  # At once: nothing here is worth a checkpoint.
        self.process.wait()

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"PostgreSQL did not start:\n{(self.folder / 'server.log').read_text()[-2000:]}")
                time.sleep(0.05)

    @staticmethod
    def _run(*command):
        done = subprocess.run(as_server_user(list(command)), cwd="/tmp", capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command[0]}: {done.stdout}{done.stderr}")
