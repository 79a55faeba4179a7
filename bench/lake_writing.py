"""lake_encode, commit_overhead and compaction: how the lake's files are written, against Arrow and the store. No servers: the rows are made up."""

import statistics

from key_index import measured_in

COMPACTED_FILES = 16


def _entry(name: str, rows: int, measured: dict, limit: str, **more) -> dict:
    ours, theirs = (rows / statistics.median(measured[key]) for key in ("seconds", "limit_seconds"))
    return {"name": name, "rows_per_second": round(ours, 1), "limit_name": limit, "limit_rows_per_second": round(theirs, 1), "ratio": round(ours / theirs, 3),
            "cpu_seconds": 0.0, "max_rss_bytes": 0, **more}


def lake_encode(folder, arguments) -> list:
    print(f"{arguments.rows:,} rows of the wire become Parquet", flush=True)
    measured = measured_in(folder / "lake_encode", "lake_writing", "encode", arguments.rows, arguments.rounds)
    ready = statistics.median(measured["limit_seconds"]) / statistics.median(measured["ready_seconds"])
    return [_entry("lake_encode", arguments.rows, measured, "Arrow writes the same arrays", ready_arrays_ratio=round(ready, 3))]


def commit_overhead(folder, arguments) -> list:
    """A ratio of times: what a commit takes for one that only waits for the store."""
    print(f"{arguments.commits:,} small commits", flush=True)
    measured = measured_in(folder / "commit_overhead", "lake_writing", "commit", arguments.commits)
    entry = _entry("commit_overhead", 1, measured, "as many PUTs that wait for each other")
    return [{**entry, "ratio": round(1 / entry["ratio"], 3)}]


def compaction(folder, arguments) -> list:
    rows = arguments.rows // COMPACTED_FILES
    print(f"{COMPACTED_FILES} files of {rows:,} rows become one", flush=True)
    measured = measured_in(folder / "compaction", "lake_writing", "compaction", COMPACTED_FILES, rows, arguments.rounds)
    return [_entry("compaction", rows * COMPACTED_FILES, measured, "Arrow reads and writes the same files")]
