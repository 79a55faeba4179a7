"""Disks get full at any write: under the lake's files, its catalog, the state folder, the replica. Nothing is lost, and it goes on by itself once there is room."""

import random
import shutil
import subprocess
import time

import pytest

from support.postgres import PostgresServer
from support.sluice import ROOT
from support.workload import MIXED_SCHEMA, MixedLoad, stream_small_transactions


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory):
    """full_disk.c, made for preloading."""
    library = tmp_path_factory.mktemp("full-disk") / "full_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, ROOT / "tests/support/full_disk.c", "-ldl"], check=True)
    return library


def rounds_of_a_full_disk(sluice, full, seed: int, rounds: int = 6):
    chance = random.Random(seed)
    for _ in range(rounds):
        time.sleep(chance.uniform(0.2, 1.5))
        full.touch()
        time.sleep(chance.uniform(0.3, 2.0))
        full.unlink()
        assert sluice.running(), sluice.log_tail()


@pytest.mark.parametrize("where", ["warehouse", "catalog", "state"])
def test_a_full_disk_at_random_moments(where, full_disk, tmp_path, source, sluice, lake, compare):
    source.execute(MIXED_SCHEMA)
    stream_small_transactions(source)
    sluice.init(commit_interval="200ms")

    def small(config):
        config["sources"]["source"].update(stream={"spill_after": "1MiB"})
        config["sinks"]["lake"].update(index={"max_memory": "64KiB"})

    sluice.configure(small)
    folder = {"warehouse": lake, "catalog": lake / "catalog.db", "state": sluice.folder / ".sluice"}[where]
    full = tmp_path / "full"
    with MixedLoad(source):
        sluice.start(env={"LD_PRELOAD": str(full_disk), "FULL_DISK_WHEN": str(full), "FULL_DISK_IN": str(folder)})
        sluice.wait_settled()
        sluice.wait_until()
        if where == "state":
            with source.connect(autocommit=False) as large:
                for part in range(3):
                    large.execute("INSERT INTO account SELECT 9000000 + %s * 100000 + i, repeat('x', 250), i, now() FROM generate_series(1, 30000) i", [part])
                    rounds_of_a_full_disk(sluice, full, part, rounds=1)
                large.commit()
        rounds_of_a_full_disk(sluice, full, 17)
    sluice.wait_until()
    sluice.stop()
    said = sluice.log.read_text()
    if where == "state":
        assert "cannot write a file of the lake's key index" in said or "cannot make a file of the lake's key index" in said, "the index was not refused"
    assert "No space left" in said or "disk is full" in said or "disk I/O error" in said, "nothing was refused"
    compare()


def test_a_full_disk_under_the_replica(full_disk, source, sluice, compare):
    """The server says 53100; what it refused is written once there is room."""
    def preload(data):
        library = shutil.copy(full_disk, data.parent)  # Where the server's user may read it.
        return {"LD_PRELOAD": library, "FULL_DISK_WHEN": data.parent / "full", "FULL_DISK_IN": data / "base"}

    server = PostgresServer(environment=preload)
    full = server.folder / "full"
    try:
        replica = server.new_database("replica")
        sluice.replica = compare.replica = replica
        source.execute(MIXED_SCHEMA)
        sluice.init(commit_interval="200ms")
        with MixedLoad(source):
            sluice.start()
            sluice.wait_settled()
            sluice.wait_until()
            for _ in range(3):
                said = sluice.log.read_text().count("No space left")
                full.touch()
                deadline = time.monotonic() + 30
                while sluice.log.read_text().count("No space left") == said:
                    assert sluice.running() and time.monotonic() < deadline, sluice.log_tail()
                    source.execute("INSERT INTO event (at, kind) SELECT now(), 'filler' FROM generate_series(1, 5000)")
                    time.sleep(0.1)
                full.unlink()
                sluice.wait_until()
        sluice.wait_until()
        sluice.stop()
        compare()
    finally:
        server.remove()
