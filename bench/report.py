"""Results: one JSON line each, and a table for people."""

import dataclasses
import json
import pathlib
import statistics

MIB = 1 << 20


@dataclasses.dataclass
class Series:
    """What one benchmark measured, round after round."""

    name: str
    limit_name: str
    rows: int = 0
    limit_seconds: list = dataclasses.field(default_factory=list)
    costs: list = dataclasses.field(default_factory=list)

    def result(self) -> dict:
        return result(self.name, self.rows / statistics.median(cost.seconds for cost in self.costs), self.limit_name,
                      self.rows / statistics.median(self.limit_seconds), self.costs)


def result(name: str, rows_per_second: float, limit_name: str, limit_rows_per_second: float, costs: list) -> dict:
    return {"name": name, "rows_per_second": round(rows_per_second, 1), "limit_name": limit_name,
            "limit_rows_per_second": round(limit_rows_per_second, 1), "ratio": round(rows_per_second / limit_rows_per_second, 3),
            "cpu_seconds": round(statistics.median(cost.cpu_seconds for cost in costs), 2),
            "max_rss_bytes": max(cost.max_rss_bytes for cost in costs)}


# Ratio to the limit: at least, or for delays at most.
AT_LEAST = {"stream_lake": 0.5, "stream_replica": 1.0, "copy_lake": 0.5, "copy_replica": 0.9, "both": 0.8,
            "index_probe_narrow": 1.0, "index_probe_wide": 1.0, "index_rebuild_bigint": 0.5, "index_rebuild_uuid": 0.5, "index_rebuild_text": 0.5,
            "lake_encode": 0.8, "compaction": 0.7}
AT_MOST = {"latency_replica": 3.0, "lake_read_after_updates": 1.3, "commit_overhead": 1.5, "lake_day": 1.3}
BYTES_PER_KEY_MAX = 16
RSS_MAX_BYTES = {"giant_transaction": 512 * MIB, "many_keys": 512 * MIB}


def reached(entry: dict) -> tuple:
    """What is required, and whether it is reached."""
    name, ratio = entry["name"], entry["ratio"]
    if "bytes_per_key" in entry:
        fits = entry["bytes_per_key"] <= BYTES_PER_KEY_MAX and entry["max_rss_bytes"] <= 512 * MIB
        return f"≥ {AT_LEAST[name]:.1f}, {entry['bytes_per_key']:.1f} B", ratio >= AT_LEAST[name] and fits
    if name in AT_LEAST:
        return f"≥ {AT_LEAST[name]:.1f}", ratio >= AT_LEAST[name]
    if name in AT_MOST:
        return f"≤ {AT_MOST[name]:.1f}", ratio <= AT_MOST[name]
    if name in RSS_MAX_BYTES:
        return f"< {RSS_MAX_BYTES[name] // MIB} MiB", entry["max_rss_bytes"] < RSS_MAX_BYTES[name]
    return "", True


def lines(entry: dict) -> list:
    """The rows of the table for one result: what, limit, figure."""
    if "at" not in entry:
        return [(entry["name"], entry["limit_name"], f"{entry['limit_rows_per_second']:,.0f}", f"{entry['rows_per_second']:,.0f} rows/s", entry["ratio"])]
    if "reader" in entry["at"][0]:
        return [(f"{entry['name']} {at['reader']}", entry["limit_name"], f"{at['limit_seconds']:.2f}", f"{at['seconds']:.2f} s", at["ratio"]) for at in entry["at"]]
    return [(f"{entry['name']} {at['transactions_per_second']:,.0f}/s {q}", entry["limit_name"], f"{at[f'limit_{q}_ms']:.2f}", f"{at[f'{q}_ms']:.2f} ms",
             at[f"{q}_ratio"]) for at in entry["at"] for q in ("p50", "p99")]


def write(entries: list, file: pathlib.Path):
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    print(f"\n{'BENCHMARK':28} {'LIMIT':38} {'LIMIT':>11} {'REACHED':>17} {'RATIO':>6}   {'REQUIRED':11} {'CPU S':>6} {'MAX RSS':>9}")
    for entry in entries:
        required, ok = reached(entry)
        for name, limit, limit_figure, figure, ratio in lines(entry):
            print(f"{name:28} {limit:38} {limit_figure:>11} {figure:>17} {ratio:>6.2f} {'✓' if ok else '✗'} {required:11} "
                  f"{entry['cpu_seconds']:>6.1f} {entry['max_rss_bytes'] / MIB:>5.0f} MiB")
    print(f"\nwritten to {file}")
