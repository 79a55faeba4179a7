"""PostgreSQL's own regression suite, as tools/regression-suite fetched it, run by psql script after script."""

import concurrent.futures
import os
import re
import shutil
import subprocess

from support.deps import DEPS
from support.postgres import Database

SUITE = DEPS / "regression-suite"
SETUP = "test_setup"
AT_ONCE = 3  # Scripts of one group of the schedule, so that their transactions overlap.

# What a session of the suite starts with.
SESSION = {"PGTZ": "America/Los_Angeles", "PGDATESTYLE": "Postgres, MDY", "PGOPTIONS": "-c intervalstyle=postgres_verbose",
           "LC_MESSAGES": "C", "LANG": "C", "PG_DLSUFFIX": ".so"}
DATABASE_SETTINGS = {"lc_messages": "C", "lc_monetary": "C", "lc_numeric": "C", "lc_time": "C", "bytea_output": "hex",
                     "timezone_abbreviations": "Default"}


class RegressionSuite:
    """A copy that the server's user can read and write, beside the server's data."""

    def __init__(self, database: Database):
        self._database = database
        self.folder = database.server.folder / "regress"
        shutil.copytree(SUITE, self.folder)
        for module in ("refint", "autoinc"):  # Which the scripts load from where regress.so lies.
            (self.folder / "lib" / f"{module}.so").symlink_to(database.server.bin.parent / "lib" / f"{module}.so")
        self.outputs = self.folder / "outputs"
        for name in ("results", "testtablespace", "outputs"):
            (self.folder / name).mkdir(exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o777 if path.is_dir() else 0o666 | path.stat().st_mode & 0o111)
        for name, value in DATABASE_SETTINGS.items():
            database.execute(f'ALTER DATABASE "{database.name}" SET {name} TO \'{value}\'')

    def groups(self) -> list:
        """All scripts, as lists in their order; those of one list may run at once."""
        return [line.split() for line in re.findall(r"^test: (.*)$", (self.folder / "parallel_schedule").read_text(), re.MULTILINE)]

    def run_group(self, names: list, timeout: float) -> list:
        """Runs them all; returns those that took too long and were ended."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return [name for name, in_time in zip(names, pool.map(lambda name: self.run(name, timeout), names)) if not in_time]

    def run(self, name: str, timeout: float) -> bool:
        """Its errors are part of it. What it printed is added to outputs/NAME."""
        environment = {**os.environ, **SESSION, "PGAPPNAME": f"regress/{name}", "PGHOST": str(self._database.server.folder), "PGUSER": "postgres",
                       "PG_ABS_SRCDIR": str(self.folder), "PG_ABS_BUILDDIR": str(self.folder), "PG_LIBDIR": str(self.folder / "lib")}
        command = ["psql", "-X", "-a", "-q", "-d", self._database.name, "-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on",
                   "-f", self.folder / "sql" / f"{name}.sql"]
        with open(self.outputs / name, "ab") as output:
            try:
                subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                               timeout=timeout, check=False)
                return True
            except subprocess.TimeoutExpired:
                with self._database.connect() as connection:
                    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                                       [f"regress/{name}"])
                return False

    def around(self, words: str, apart_from: set) -> list:
        """The output before each place where other scripts printed these words."""
        found = []
        for path in self.outputs.iterdir():
            text = path.read_text(errors="replace")
            places = [] if path.name in apart_from else [match.end() for match in re.finditer(re.escape(words), text)]
            found += [f"{path.name}: …{text[max(0, place - 1500):place]}" for place in places]
        return found

    def said(self, words: str) -> dict:
        """Script: how often it printed these words."""
        counts = {path.name: path.read_text(errors="replace").count(words) for path in self.outputs.iterdir()}
        return {name: count for name, count in counts.items() if count}
