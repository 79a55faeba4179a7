"""The program under measurement, and what a run of it costs."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = pathlib.Path(os.environ.get("SLUICE_BINARY", ROOT / "build/release/sluice"))
SAMPLE_SECONDS = 0.02
STOP_MAX_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Cost:
    seconds: float
    cpu_seconds: float
    max_rss_bytes: int
    max_anonymous_bytes: int  # Of the samples: without what is mapped from files.


class Process:
    """A run of the program that is watched until it ends."""

    def __init__(self, command: list, folder: pathlib.Path):
        self.log = folder / "run.log"
        self.start = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.max_rss_bytes = self.max_anonymous_bytes = 0
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()

    def _sample(self):
        # Not getrusage: its maximum begins with the size of whoever forked.
        try:
            while True:
                with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
                    figures = dict(line.split(":") for line in status)
                if "VmHWM" not in figures:
                    return  # Ended, and not yet waited for.
                self.max_rss_bytes = int(figures["VmHWM"].split()[0]) * 1024
                self.max_anonymous_bytes = max(self.max_anonymous_bytes, int(figures["RssAnon"].split()[0]) * 1024)
                time.sleep(SAMPLE_SECONDS)
        except (FileNotFoundError, ProcessLookupError):
            return

    def wait(self, accepted=(0,)) -> Cost:
        _, status, usage = os.wait4(self.process.pid, 0)
        seconds = time.monotonic() - self.start
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self._watch.join()
        if self.process.returncode not in accepted:
            raise RuntimeError(f"sluice ended with exit code {self.process.returncode}\n{self.log.read_text(errors='replace')[-3000:]}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime, self.max_rss_bytes, self.max_anonymous_bytes)

    def stop(self) -> Cost:
        self.process.send_signal(signal.SIGTERM)
        killer = threading.Timer(STOP_MAX_SECONDS, self.process.kill)
        killer.start()
        try:
            return self.wait(accepted=(0, 143))
        finally:
            killer.cancel()

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            os.wait4(self.process.pid, 0)


class Product:
    """One project: its folder, configuration and slot, with one or both sinks."""

    def __init__(self, folder: pathlib.Path, name: str, source, replica=None, lake: pathlib.Path | None = None):
        self.folder, self.lake, self.replica = folder / name, lake, replica
        self.folder.mkdir()
        arguments = ["init", "--project", name, "--from", source.dsn()]
        arguments += ["--to", replica.dsn()] if replica else []
        arguments += ["--lake", lake] if lake else []
        Process([BINARY, *arguments], self.folder).wait()

    def catch_up(self) -> Cost:
        """One run, from the start of the process to its end, when all sinks are durable up to everything committed."""
        return Process([BINARY, "run", "--until-caught-up"], self.folder).wait()

    def start(self) -> Process:
        return Process([BINARY, "run"], self.folder)
