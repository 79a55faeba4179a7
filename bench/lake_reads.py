"""lake_read_after_updates: how long readers take for a table after an hour of updates, against the same rows freshly copied."""

import pathlib
import statistics
import time

import psycopg
import yaml
from support.lake import Lake, duckdb_scan, open_duckdb

import databases
from product import Process, Product

COMMITS_PER_HOUR = 360  # One each ten seconds, as a lake that is to be fresh commits.
REFRESH_SECONDS = 8     # Ten minutes in this motion.
SUM_OF_ALL = "SELECT count(*), sum(hash(COLUMNS(*))::HUGEINT) FROM {}"


def lake_read_after_updates(source_server, _, folder, arguments) -> dict:
    source = databases.create(source_server, "source_reads")
    source.execute((databases.ROOT / "bench/workload.sql").read_text())
    source.execute(f"INSERT INTO shots SELECT * FROM new_shots(1, {arguments.rows})")
    used = Product(folder, "used", source, lake=folder / "used.lake")
    _commit_often(used.folder)
    used.catch_up()
    commits = COMMITS_PER_HOUR if not arguments.quick else 20
    print(f"{commits} commits of updates, as in an hour", flush=True)
    process = used.start()
    try:
        _update(source, commits)
    finally:
        process.stop()
    cost = used.catch_up()
    fresh = Product(folder, "fresh", source, lake=folder / "fresh.lake")
    fresh.catch_up()
    expected = databases.state(source)
    for product in (used, fresh):
        databases.require_equal(str(product.lake), databases.lake_state(product.lake), expected)
    at = _compare_readers("at once", used.lake, fresh.lake, arguments.rounds)
    worst = max(entry["ratio"] for entry in at)
    process = used.start()
    time.sleep(3 * REFRESH_SECONDS)
    process.stop()
    databases.require_equal(str(used.lake), databases.lake_state(used.lake), expected)
    at += _compare_readers("rested", used.lake, fresh.lake, arguments.rounds)
    return {"name": "lake_read_after_updates", "limit_name": "the same rows freshly copied", "ratio": worst, "commits": commits,
            "cpu_seconds": round(cost.cpu_seconds, 2), "max_rss_bytes": cost.max_rss_bytes, "at": at}


def _commit_often(project: pathlib.Path):
    file = project / "sluice.yaml"
    config = yaml.safe_load(file.read_text())
    config["sinks"]["lake"]["commit"]["interval"] = "100ms"
    # As many commits lie between two looks, and between two refreshes, as in an hour.
    config["sinks"]["lake"]["maintenance"] = {"look_every": "1s", "refresh_every": f"{REFRESH_SECONDS}s"}
    file.write_text(yaml.safe_dump(config, sort_keys=False))


def _update(source, commits: int):
    """A fifth of the rows gets new values, spread over all of the table, in as many transactions as there are commits."""
    with psycopg.connect(source.dsn(), autocommit=True) as connection:
        for i in range(commits):
            start = time.monotonic()
            connection.execute("UPDATE shots SET ball_speed = ball_speed + 1 WHERE shot_id %% %s = %s", (commits * 5, i))
            time.sleep(max(0.0, 0.12 - (time.monotonic() - start)))


def _read_duckdb(table):
    return open_duckdb().execute(SUM_OF_ALL.format(duckdb_scan(table))).fetchone()[0]


def _read_pyiceberg(table):
    return table.scan().to_arrow().num_rows


def _compare_readers(when: str, used, fresh, rounds: int) -> list:
    summary = Lake(used).table("public", "shots").current_snapshot().summary
    print(f"{when}: {summary['total-data-files']} data files, {summary['total-delete-files']} delete files", flush=True)
    return [{"reader": f"{name}, {when}", **_compare(read, used, fresh, rounds)} for name, read in (("duckdb", _read_duckdb), ("pyiceberg", _read_pyiceberg))]


def _compare(read, used, fresh, rounds: int) -> dict:
    seconds = {used: [], fresh: []}
    rows = set()
    for lake in (used, fresh):
        read(Lake(lake).table("public", "shots"))  # Once for the page cache.
    for _ in range(max(rounds, 3)):
        for lake in (used, fresh):
            table = Lake(lake).table("public", "shots")
            start = time.monotonic()
            rows.add(read(table))
            seconds[lake].append(time.monotonic() - start)
    assert len(rows) == 1, rows
    reached, limit = (statistics.median(seconds[lake]) for lake in (used, fresh))
    return {"seconds": round(reached, 3), "limit_seconds": round(limit, 3), "ratio": round(reached / limit, 3)}
