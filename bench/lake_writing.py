"""lake_encode, commit_overhead, compaction and lake_day: how the lake's files are written, against Arrow, the store, and the day before. No servers: the rows are made up."""

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


def lake_day(folder, arguments) -> list:
    """A ratio of the last quarter of the day to its second one, of whatever has grown most."""
    print(f"{arguments.hours} hours of commits, one every ten seconds, in fast motion", flush=True)
    hours = measured_in(folder / "lake_day", "lake_day", arguments.hours)["hours"]
    quarter = max(1, arguments.hours // 4)

    def growth(value) -> float:
        return statistics.median(map(value, hours[-quarter:])) / statistics.median(map(value, hours[quarter:2 * quarter]))

    grown = {name: growth(value) for name, value in {
        "metadata_bytes": lambda hour: hour["metadata_bytes"],
        "files": lambda hour: hour["data_files"] + hour["delete_files"] + hour["manifests"],
        "commit_seconds": lambda hour: hour["commit_seconds"],
        "read_seconds_per_row": lambda hour: hour["read_seconds"] / hour["rows"]}.items()}
    worst = max(grown, key=grown.get)
    print(" · ".join(f"{name} × {ratio:.2f}" for name, ratio in grown.items()))
    return [{"name": "lake_day", "rows_per_second": round(1 / hours[-1]["commit_seconds"], 1), "limit_name": f"{worst} hours before", "limit_rows_per_second": round(1 / hours[quarter]["commit_seconds"], 1),
             "ratio": round(grown[worst], 3), "cpu_seconds": 0.0, "max_rss_bytes": 0, "grown": {name: round(ratio, 3) for name, ratio in grown.items()}, "hours": hours}]
