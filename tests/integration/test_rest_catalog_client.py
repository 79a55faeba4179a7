"""The lake's catalog in a server of Iceberg's REST protocol: what a file gives, through kills, lost replies and a second process."""

import itertools
import os
import signal
import threading
import time

import pytest

from support import catalog
from support.catalog_server import IcebergServer, NessieServer
from support.compare import Comparison
from support.lake import RestLake, duckdb_scan, open_duckdb
from support.sluice import Sluice
from support.store_proxy import FAILS, LOST_REPLY, PASS, StoreProxy
from support.workload import MIXED_SCHEMA, MixedLoad

SERVERS = {"iceberg": IcebergServer, "nessie": NessieServer}
NUMBERS = itertools.count()
SOAK = "SLUICE_SOAK" in os.environ
FAILPOINTS = ("lake.after_finish_tables=kill", "lake.after_commit=kill:2", "catalog.before_commit=kill:4")


@pytest.fixture(scope="session")
def catalog_servers():
    """catalog_servers(name): started when first asked for, kept for the session."""
    started = {}

    def get(name: str):
        if name not in started:
            started[name] = SERVERS[name]()
        return started[name]

    yield get
    for server in started.values():
        server.remove()


@pytest.fixture(params=list(SERVERS))
def server(catalog_servers, request, monkeypatch):
    """A server whose catalog is empty."""
    found = catalog_servers(request.param)
    for name, value in (found.s3.environment if found.s3 else {}).items():
        monkeypatch.setenv(name, value)
    kept = RestLake(found.url, s3=found.s3).catalog
    for namespace in kept.list_namespaces():
        for table in kept.list_tables(namespace):
            kept.drop_table(table)
        kept.drop_namespace(namespace)
    return found


@pytest.fixture
def lake(server):
    return server.new_warehouse(f"warehouse-{next(NUMBERS)}")


def use(sluice: Sluice, url: str):
    sluice.configure(lambda config: config["sinks"]["lake"].update(catalog={"type": "rest", "uri": url}))


@pytest.fixture
def rest(sluice, source, replica, server):
    """The configured program; rest.compare(): source, replica, and the lake read through the server."""
    source.execute(MIXED_SCHEMA + "CREATE TABLE lists (id int PRIMARY KEY, tags text[], n int, words int[]); INSERT INTO lists VALUES (1, '{a,b}', 7, '{1,2}');")
    sluice.init(commit_interval="300ms")
    use(sluice, server.url)
    comparison = Comparison(source, replica, sluice.folder)

    def compare():
        tables = catalog.tables(source)
        comparison.replica_equals(tables)
        comparison.lake_equals(tables, ByPyIceberg(server.url, s3=server.s3))

    sluice.compare = compare
    return sluice


class ByPyIceberg(RestLake):
    """DuckDB is told the metadata file that the server names: its own client of the protocol is tried elsewhere."""

    def open_duckdb(self):
        return open_duckdb(self.s3)

    def duckdb_relation(self, table) -> str:
        return duckdb_scan(table)


def test_the_lake_is_the_source_through_kills_around_its_commits(rest, source, server):
    assert "L003" in rest.command("check").stdout
    with MixedLoad(source):
        for failpoint in FAILPOINTS if SOAK or server.s3 is None else FAILPOINTS[1:2]:
            rest.start(env={"SLUICE_FAILPOINTS": failpoint})
            assert rest.wait_exit() == -signal.SIGKILL, rest.log_tail()
        rest.start()
        rest.wait_settled()
    source.execute("ALTER TABLE lists ADD COLUMN more text[], ADD COLUMN last int; INSERT INTO lists VALUES (2, NULL, 8, NULL, '{c}', 9); DELETE FROM lists WHERE id = 1")
    rest.wait_until()
    rest.compare()
    assert rest.command("lake", "tables").stdout.count("public.") >= 3
    rest.command("lake", "check")
    names = {table[-1] for table in RestLake(server.url, s3=server.s3).catalog.list_tables("sluice")}
    assert names == {"sluice_ledger"}


@pytest.fixture
def proxied(server):
    proxies = []

    def start(fate):
        proxies.append(StoreProxy(server.port, fate))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


def test_a_commit_that_was_held_up_until_another_process_took_over_is_refused_by_the_server(rest, source, tmp_path, server, replica, proxied):
    """The slot keeps two processes apart as well; here the one that lost it has a commit on its way."""
    hold, held, release = threading.Event(), threading.Event(), threading.Event()

    def fate(_method, path):
        if path.endswith("/transactions/commit") and hold.is_set() and not held.is_set():
            held.set()
            assert release.wait(25)
        return PASS

    rest.sync()
    proxy = proxied(fate)
    use(rest, proxy.endpoint + server.path)
    rest.start()
    rest.wait_settled()
    hold.set()
    source.execute("INSERT INTO lists VALUES (10, '{x}', 1, NULL)")
    assert held.wait(20)
    os.kill(rest.pid, signal.SIGSTOP)
    source.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    folder = tmp_path / "second"
    folder.mkdir()
    second = Sluice(folder, source, replica, rest.lake)
    second.config_file.write_text(rest.config_file.read_text())
    use(second, server.url)
    source.execute("INSERT INTO lists VALUES (11, '{y}', 1, NULL)")
    second.sync()
    rest.compare()
    before = facts_of(server)
    release.set()
    os.kill(rest.pid, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while not proxy.replies["POST", 409]:
        assert time.monotonic() < deadline, proxy.replies
        time.sleep(0.05)
    assert facts_of(server)["lists"][:2] == before["lists"][:2]
    # It begins anew as every process that lost its stream; by then it is the younger one.
    source.execute("INSERT INTO lists VALUES (12, '{z}', 1, NULL)")
    rest.wait_until()
    rest.compare()


def facts_of(server) -> dict:
    """Of each table its current snapshot, how far sluice says it is, and under which epoch."""
    kept = RestLake(server.url, s3=server.s3).catalog
    tables = [kept.load_table(name) for name in kept.list_tables("public")]
    return {table.name()[-1]: (table.metadata.current_snapshot_id, table.properties["sluice.lsn"], table.properties["sluice.epoch"]) for table in tables}


def test_a_commit_whose_reply_is_lost_is_found_again(rest, source, server, proxied):
    lost = itertools.cycle([LOST_REPLY, PASS, FAILS, PASS, PASS])
    proxy = proxied(lambda method, path: next(lost) if path.endswith("/transactions/commit") else PASS)
    use(rest, proxy.endpoint + server.path)
    rest.start()
    rest.wait_settled()
    with MixedLoad(source):
        time.sleep(30 if SOAK else 2)
    rest.wait_until(timeout=120)
    rest.compare()
    assert proxy.counts[LOST_REPLY, "POST"] >= 2 and proxy.counts[FAILS, "POST"] >= 2, proxy.counts
    assert rest.running()
