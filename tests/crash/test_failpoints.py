"""kill -9 at every failpoint, under load, and again while it recovers; then all three are equal."""

import signal
import subprocess
import time

import pytest

from support.sluice import BINARY
from support.workload import MIXED_SCHEMA, MixedLoad, stream_small_transactions


def failpoints() -> list:
    """Those of the built program; a missing program fails one test instead of the collection."""
    if not BINARY.exists():
        return ["program.missing"]
    return subprocess.run([BINARY, "debug", "failpoints"], capture_output=True, text=True, check=True).stdout.split()


def wait_killed(sluice, timeout) -> bool:
    """Whether it died by the failpoint in time."""
    deadline = time.monotonic() + timeout
    while sluice.running():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    assert sluice.wait_exit() == -signal.SIGKILL, sluice.log_tail()
    return True


@pytest.mark.parametrize("name", failpoints())
def test_killed_at(name, source, sluice, compare):
    source.execute(MIXED_SCHEMA)
    stream_small_transactions(source)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["sinks"]["lake"].update(manifests={"merge_at": 3}, snapshots={"keep": 3}))
    armed = {"SLUICE_FAILPOINTS": f"{name}=kill"}
    with MixedLoad(source):
        sluice.start(env=armed)
        assert wait_killed(sluice, 40), f"{name} was never hit\n{sluice.log_tail()}"
        sluice.start(env=armed)  # In the recovery, or in the work after it, or not at all.
        if not wait_killed(sluice, 4):
            sluice.kill()
        sluice.start()
        sluice.wait_until()
    sluice.wait_until()
    sluice.stop()
    compare()
