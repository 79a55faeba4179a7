"""Databases of a round, and the numbers by which a destination is checked."""

import pathlib

import psycopg
from support.lake import Lake, duckdb_scan, open_duckdb
from support.postgres import Database

ROOT = pathlib.Path(__file__).resolve().parents[1]
STATE = "SELECT count(*), coalesce(sum(shot_id), 0)::bigint, count(*) FILTER (WHERE is_valid), count(*) FILTER (WHERE ball_speed > 100) FROM {}"


def create(server, name: str, template: str = "template0") -> Database:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return Database(server, name)


def state(database) -> tuple:
    """Counts and sums that every change of the workload alters."""
    return tuple(database.rows(STATE.format("shots"))[0])


def lake_state(folder) -> tuple:
    """The same, as DuckDB reads it."""
    return ask_lake(folder, "shots", STATE)


def ask_lake(folder, table: str, question: str) -> tuple:
    """What DuckDB answers. `question`: with {} for the table."""
    return tuple(open_duckdb().execute(question.format(duckdb_scan(Lake(folder).table("public", table)))).fetchone())


def require_equal(what: str, got: tuple, expected: tuple):
    """Rows are counted where they went: a fast loss is no result."""
    if got != expected:
        raise RuntimeError(f"{what}: {got} arrived, {expected} were sent")
