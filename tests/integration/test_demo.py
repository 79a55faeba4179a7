"""`make demo` after its build, in short, and that its proof can fail."""

import os
import subprocess
import sys

import pytest

from support.sluice import BINARY, ROOT

DEMO = ROOT / "tools/demo"


@pytest.mark.slow
def test_it_ends_with_a_proof_and_leaves_nothing_running():
    done = subprocess.run([sys.executable, DEMO / "demo.py"], capture_output=True, text=True, timeout=170,
                          env={**os.environ, "SLUICE_BINARY": str(BINARY), "DEMO_SECONDS": "8", "DEMO_GIANT_ROWS": "50000", "KEEP": "0"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ equal: " in done.stdout
    folder = next(line for line in done.stdout.splitlines() if "source and replica" in line).split(" in ")[1].split()[0]
    assert not os.path.exists(folder)
    assert folder not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def proof(source, replica, lake):
    return subprocess.run([sys.executable, DEMO / "proof.py", "--source", source.dsn(), "--replica", replica.dsn(), "--lake", lake],
                          capture_output=True, text=True, timeout=60)


def test_the_proof_finds_one_wrong_value_in_the_replica(source, replica, lake, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, x numeric); INSERT INTO t SELECT i, i FROM generate_series(1, 100) i")
    sluice.init()
    sluice.sync()
    assert proof(source, replica, lake).returncode == 0
    replica.execute("UPDATE t SET x = 50.0 WHERE id = 50")
    found = proof(source, replica, lake)
    assert found.returncode == 1
    assert "different" in found.stdout and "public.t" in found.stdout


def test_the_proof_finds_what_the_lake_lacks(source, replica, lake, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, x text[]); INSERT INTO t SELECT i, ARRAY['a', NULL] FROM generate_series(1, 100) i")
    sluice.init()
    sluice.sync()
    for database in (source, replica):
        database.execute("UPDATE t SET x = ARRAY['a', 'NULL'] WHERE id = 50")
    found = proof(source, replica, lake)
    assert found.returncode == 1
    assert found.stdout.count("100 rows, checksum") == 2, "both readers find it"
