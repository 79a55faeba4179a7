#!/usr/bin/env python3
"""Measures sluice against limits taken in the same run. bench/README.md describes the workload."""

import argparse
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import report
from copy_and_stream import CopyAndStream
from giant_transaction import giant_transaction
from key_index import index_probe, index_rebuild
from lake_reads import lake_read_after_updates
from lake_writing import commit_overhead, compaction, lake_day, lake_encode
from latency import latency_replica
from many_keys import many_keys
from support.postgres import PostgresServer

NAMES = ("copy_lake", "copy_replica", "stream_lake", "stream_replica", "both", "latency_replica", "lake_read_after_updates", "giant_transaction", "many_keys",
         "index_probe", "index_rebuild", "lake_encode", "commit_overhead", "compaction", "lake_day")
WITHOUT_SERVERS = (index_probe, index_rebuild, lake_encode, commit_overhead, compaction, lake_day)
LONG = ("giant_transaction", "many_keys")  # Only when named.
SERVER = """
shared_buffers = 512MB
max_wal_size = 16GB             # No checkpoint in the midst of a measurement.
checkpoint_timeout = 1h
autovacuum = off
wal_retrieve_retry_interval = 10ms  # Else the subscription that we compare with may wait five seconds to start.
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all but {', '.join(LONG)}")
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the table before (default 1,000,000)")
    parser.add_argument("--inserts", type=int, default=400_000, help="of the backlog; a quarter as many updates, a twentieth deletes")
    parser.add_argument("--rounds", type=int, default=3, help="of limit and product in turn; the median counts (default 3)")
    parser.add_argument("--latency-seconds", type=float, default=10)
    parser.add_argument("--giant-rows", type=int, default=10_000_000)
    parser.add_argument("--index-keys", type=int, default=100_000_000)
    parser.add_argument("--index-tables", type=int, default=50)
    parser.add_argument("--rebuild-rows", type=int, default=20_000_000)
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--hours", type=int, default=24, help="of lake_day (default 24)")
    parser.add_argument("--fsync", action="store_true", help="servers that wait for the disk; else it isn't measured")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results/latest.jsonl", metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: whether it works, not how fast it is")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.inserts, arguments.rounds = 20_000, 8_000, 1
        arguments.latency_seconds, arguments.giant_rows = 1, 200_000
        arguments.index_keys, arguments.rebuild_rows, arguments.commits = 1_000_000, 1_000_000, 20
        arguments.hours = 4
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    arguments.names = arguments.names or [name for name in NAMES if name not in LONG]
    return arguments


def main():
    arguments = parse()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    settings = SERVER + ("fsync = on\n" if arguments.fsync else "")
    servers = [PostgresServer(settings=settings) for _ in range(2 if set(arguments.names) - {measure.__name__ for measure in WITHOUT_SERVERS} else 0)]
    try:
        entries = []
        if set(arguments.names) & set(NAMES[:5]):
            entries += CopyAndStream(*servers, folder, arguments).run()
        if "latency_replica" in arguments.names:
            entries.append(latency_replica(*servers, folder, arguments))
        if "lake_read_after_updates" in arguments.names:
            entries.append(lake_read_after_updates(*servers, folder, arguments))
        if "giant_transaction" in arguments.names:
            entries.append(giant_transaction(*servers, folder, arguments))
        if "many_keys" in arguments.names:
            entries.append(many_keys(servers[0], folder, arguments))
        for measure in WITHOUT_SERVERS:
            if measure.__name__ in arguments.names:
                entries += measure(folder, arguments)
        report.write([entry for entry in entries if entry["name"].startswith("index_") or entry["name"] in arguments.names], arguments.results)
    finally:
        for server in servers:
            server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
