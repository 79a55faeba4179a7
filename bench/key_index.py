"""index_probe and index_rebuild: the lake's key index against its limits. No servers: the rows are made up."""

import shutil
import statistics

import report
from limits import program


def measured_in(folder, *arguments) -> dict:
    """What a program prints that works in a folder of its own."""
    folder.mkdir()
    try:
        return program(*arguments, folder)
    finally:
        shutil.rmtree(folder)


def index_probe(folder, arguments) -> list:
    print(f"an index of {arguments.index_keys:,} keys in {arguments.index_tables} tables", flush=True)
    measured = measured_in(folder / "index_probe", "key_index", "probe", arguments.index_keys, arguments.index_tables)
    return [{"name": f"index_probe_{keys}", "rows_per_second": of["probes_per_second"], "limit_name": "a million probes per second", "limit_rows_per_second": 1e6,
             "ratio": round(of["probes_per_second"] / 1e6, 3), "cpu_seconds": 0.0, "max_rss_bytes": of["anonymous_bytes"], **of} for keys, of in measured.items()]


def index_rebuild(folder, arguments) -> list:
    print(f"an index of {arguments.rebuild_rows:,} rows, from their files", flush=True)
    measured = measured_in(folder / "index_rebuild", "key_index", "rebuild", arguments.rebuild_rows, arguments.rounds)
    entries = []
    for key, of in measured.items():
        rows = arguments.rebuild_rows / statistics.median(of["seconds"]), arguments.rebuild_rows / statistics.median(of["limit_seconds"])
        two = arguments.rebuild_rows / statistics.median(of["parallel_limit_seconds"])
        entries.append({"name": f"index_rebuild_{key}", "rows_per_second": round(rows[0], 1), "limit_name": "Arrow reads the key column", "limit_rows_per_second": round(rows[1], 1),
                        "ratio": round(rows[0] / rows[1], 3), "two_files_at_once_ratio": round(rows[0] / two, 3), "cpu_seconds": 0.0, "max_rss_bytes": of["anonymous_bytes"]})
    return entries
