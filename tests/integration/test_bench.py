"""The benchmark in small: every part of it works, and counts what arrived."""

import json
import os
import subprocess
import sys

import pytest

from support.sluice import BINARY, ROOT

FIELDS = {"name", "rows_per_second", "limit_name", "limit_rows_per_second", "ratio", "cpu_seconds", "max_rss_bytes"}


@pytest.mark.slow
def test_every_benchmark_gives_a_result(tmp_path):
    subprocess.run(["cmake", "--build", ROOT / "build/release", "--target", "bench_programs"], check=True, capture_output=True)
    names = ["copy_lake", "copy_replica", "stream_lake", "stream_replica", "both", "latency_replica", "giant_transaction", "many_keys"]
    done = subprocess.run([sys.executable, ROOT / "bench/bench.py", "--quick", "--results", tmp_path / "results.jsonl", *names],
                          capture_output=True, text=True, timeout=170, env={**os.environ, "SLUICE_BINARY": str(BINARY)})
    assert done.returncode == 0, done.stdout + done.stderr
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [result["name"] for result in results] == names
    assert all(FIELDS <= set(result) and result["ratio"] > 0 and result["max_rss_bytes"] > 1_000_000 for result in results)
