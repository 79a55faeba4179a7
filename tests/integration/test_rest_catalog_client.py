"""The lake's catalog in a server of Iceberg's REST protocol: what a file gives, through kills, lost replies and a second process."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from support import catalog
from support.catalog_server import IcebergServer, NessieServer
from support.compare import Comparison
from support.lake import RestLake, RestLakeByFiles
from support.sluice import BINARY, CONFIG, NO_PERMISSION, OK, REFUSED, Sluice
from support.store_proxy import FAILS, LOST_REPLY, MISSING, PASS, StoreProxy
from support.tls import free_port, make_certificate
from support.workload import MIXED_SCHEMA, MixedLoad

SERVERS = {"iceberg": IcebergServer, "nessie": NessieServer}
NUMBERS = itertools.count()
SOAK = "SLUICE_SOAK" in os.environ
# Where tables are committed one by one. The second leaves a copy that the third meets.
FAILPOINTS_IN_TURN = ("lake.after_first_bookmark=kill", "lake.before_table_alone=kill", "lake.after_leftover_files=kill", "lake.after_table_alone=kill:2", "lake.after_table_alone=kill:9",
                      "lake.before_table_alone=kill:6", "catalog.before_commit=kill:4")
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
        comparison.lake_equals(tables, RestLakeByFiles(server.url, s3=server.s3))

    sluice.compare = compare
    return sluice


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
    # What the kills left behind, and a file that looks as if. Branches of Nessie may need what its tables do not name.
    rest.stop()
    rest.configure(lambda config: config["sinks"]["lake"]["catalog"].update(orphans="remove"))
    if server.s3 is not None:
        assert "It is a Nessie" in rest.command("lake", "orphans", expect=CONFIG).stderr
        return
    table = RestLake(server.url, s3=server.s3).table("public", "account")
    data = next(iter(table.inspect.data_files()["file_path"].to_pylist()))
    planted = table.io.new_output(re.sub(r"/e\d{6}-", "/e000001-left-", data))
    planted.create().close()
    done = rest.command("lake", "orphans", "--json").json()
    removed = {one["table"]: one["files_removed"] for one in done["tables"]}
    assert removed["public.account"] >= 1 and not planted.exists()
    rest.command("lake", "check")
    rest.sync()
    rest.compare()


@pytest.fixture
def proxied(server):
    proxies = []

    def start(fate, edit=None):
        proxies.append(StoreProxy(server.port, fate, edit))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


def successor(rest, source, replica, tmp_path, url) -> Sluice:
    """Another process with the same configuration, which may have the slot."""
    source.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    folder = tmp_path / "second"
    folder.mkdir()
    second = Sluice(folder, source, replica, rest.lake)
    second.config_file.write_text(rest.config_file.read_text())
    use(second, url)
    return second


def wait_refused(proxy):
    deadline = time.monotonic() + 30
    while not proxy.replies["POST", 409]:
        assert time.monotonic() < deadline, proxy.replies
        time.sleep(0.05)


def test_a_commit_that_was_held_up_until_another_process_took_over_is_refused_by_the_server(rest, source, tmp_path, server, replica, proxied):
    """The slot keeps two processes apart as well; here the one that lost it has a commit on its way."""
    hold, held, release = threading.Event(), threading.Event(), threading.Event()

    def fate(_method, path):
        if path.endswith("/transactions/commit") and hold.is_set() and not held.is_set():
            held.set()
            assert release.wait(120)
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
    second = successor(rest, source, replica, tmp_path, server.url)
    source.execute("INSERT INTO lists VALUES (11, '{y}', 1, NULL)")
    second.sync()
    before = facts_of(server)
    release.set()
    os.kill(rest.pid, signal.SIGCONT)
    wait_refused(proxy)
    assert facts_of(server)["lists"][:2] == before["lists"][:2]
    # It begins anew as every process that lost its stream; by then it is the younger one.
    source.execute("INSERT INTO lists VALUES (12, '{z}', 1, NULL)")
    rest.wait_until()
    rest.compare()


def wait_listening(port: int):
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def facts_of(server) -> dict:
    """Of each table its current snapshot, how far sluice says it is, and under which epoch."""
    kept = RestLake(server.url, s3=server.s3).catalog
    tables = [kept.load_table(name) for name in kept.list_tables("public")]
    return {table.name()[-1]: (table.metadata.current_snapshot_id, table.properties["sluice.lsn"], table.properties["sluice.epoch"]) for table in tables}


def the_lake_is_the_source_through_lost_replies(rest, source, server, proxy):
    use(rest, proxy.endpoint + server.path)
    rest.start()
    rest.wait_settled()
    with MixedLoad(source):
        time.sleep(30 if SOAK else 2)
    rest.wait_until(timeout=120)
    rest.compare()
    assert proxy.counts[LOST_REPLY, "POST"] >= 2 and proxy.counts[FAILS, "POST"] >= 2, proxy.counts
    assert rest.running()


def test_a_commit_whose_reply_is_lost_is_found_again(rest, source, server, proxied):
    lost = itertools.cycle([LOST_REPLY, PASS, FAILS, PASS, PASS])
    proxy = proxied(lambda method, path: next(lost) if path.endswith("/transactions/commit") else PASS)
    the_lake_is_the_source_through_lost_replies(rest, source, server, proxy)


def without_transactions(fate=lambda _method, _path: PASS) -> tuple:
    """What a proxy makes of a server: one that commits one table at a time, as Glue's."""

    def hide(path, content):
        if "/v1/config" not in path:
            return content
        config = json.loads(content)
        config["endpoints"] = [endpoint for endpoint in config["endpoints"] if not endpoint.endswith("/transactions/commit")]
        assert any(endpoint.endswith("/tables/{table}") for endpoint in config["endpoints"])
        return json.dumps(config).encode()

    return (lambda method, path: MISSING if path.endswith("/transactions/commit") else fate(method, path)), hide


one_table_server = pytest.mark.parametrize("server", ["iceberg"], indirect=True)


def is_commit(method, path) -> bool:
    return method == "POST" and "/tables/" in path


@one_table_server
def test_without_transactions_the_lake_is_the_source_through_kills_between_tables(rest, source, server, proxied):
    use(rest, proxied(*without_transactions()).endpoint + server.path)
    assert "L004" in rest.command("check").stdout
    with MixedLoad(source):
        for failpoint in FAILPOINTS_IN_TURN:
            rest.start(env={"SLUICE_FAILPOINTS": failpoint})
            assert rest.wait_exit() == -signal.SIGKILL, f"{failpoint}\n{rest.log_tail()}"
        rest.start()
        rest.wait_settled()
    source.execute("ALTER TABLE lists ADD COLUMN more text[], ADD COLUMN last int; INSERT INTO lists VALUES (2, NULL, 8, NULL, '{c}', 9); DELETE FROM lists WHERE id = 1")
    rest.wait_until()
    rest.compare()
    rest.command("resync", "public.lists")
    rest.wait_settled()
    source.execute("INSERT INTO lists VALUES (3, NULL, 8)")
    rest.wait_until()
    rest.compare()
    rest.command("lake", "check")


@one_table_server
def test_without_transactions_a_table_whose_reply_is_lost_is_looked_at(rest, source, server, proxied):
    lost = itertools.cycle([LOST_REPLY, PASS, FAILS, PASS, PASS, PASS, PASS])
    proxy = proxied(*without_transactions(lambda method, path: next(lost) if is_commit(method, path) else PASS))
    the_lake_is_the_source_through_lost_replies(rest, source, server, proxy)


@one_table_server
@pytest.mark.parametrize("late", [False, True], ids=["before-the-successor", "after-the-successor"])
def test_without_transactions_a_table_of_a_process_that_was_overtaken_is_taken_once(rest, source, tmp_path, server, replica, proxied, late):
    hold, held, release, passed = threading.Event(), threading.Event(), threading.Event(), threading.Event()

    def fate(method, path):
        if is_commit(method, path) and path.endswith("/nokey") and hold.is_set() and not held.is_set():
            held.set()
            assert release.wait(120)
            passed.set()
        return PASS

    source.execute("CREATE TABLE nokey (n int)")
    rest.sync()
    proxy = proxied(*without_transactions(fate))
    use(rest, proxy.endpoint + server.path)
    rest.start()
    rest.wait_settled()
    hold.set()
    source.execute("INSERT INTO nokey VALUES (10); INSERT INTO lists VALUES (10, '{x}', 1, NULL)")
    assert held.wait(20)
    os.kill(rest.pid, signal.SIGSTOP)
    if not late:
        release.set()
        assert passed.wait(20)
    second = successor(rest, source, replica, tmp_path, proxied(*without_transactions()).endpoint + server.path)
    source.execute("INSERT INTO nokey VALUES (11)")
    second.sync()
    release.set()
    os.kill(rest.pid, signal.SIGCONT)
    if late:
        wait_refused(proxy)
    source.execute("INSERT INTO nokey VALUES (12)")
    rest.wait_until()
    rest.compare()


def test_over_tls_with_a_token_a_lake_is_read_through_a_catalog_that_takes_no_commits(tmp_path, source, replica, monkeypatch):
    """sluice's own server, which is for readers alone."""
    folder, reading = tmp_path / "project", tmp_path / "reading"
    for made in (folder, reading, tmp_path / "lake"):
        made.mkdir()
    writer, reader = Sluice(folder, source, replica, tmp_path / "lake"), Sluice(reading, source, replica, tmp_path / "lake")
    source.execute("CREATE TABLE seen (id int PRIMARY KEY); INSERT INTO seen VALUES (1), (2)")
    writer.init()
    writer.sync()
    reader.config_file.write_text(writer.config_file.read_text())
    monkeypatch.setenv("CATALOG_TOKEN", "a-token-of-many-characters")
    for name in ("server", "stranger"):
        make_certificate(folder, name)
    port = free_port()
    writer.configure(lambda config: config.update(serve={"catalog": {"listen": f"127.0.0.1:{port}", "token": "${CATALOG_TOKEN}", "tls": {"certificate": "server.crt", "key": "server.key"}}}))

    def lake_tables(expect, certificate=None, **environment):
        trusted = {"ca_file": str(folder / f"{certificate}.crt")} if certificate else {}
        reader.configure(lambda config: config["sinks"]["lake"].update(catalog={"type": "rest", "uri": f"https://localhost:{port}", "token": "${CATALOG_TOKEN}", **trusted}))
        return reader.command("lake", "tables", "--json", expect=expect, env=environment)

    serving = subprocess.Popen([BINARY, "serve"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_listening(port)
        assert "public.seen" in lake_tables(OK, "server").stdout
        check = reader.command("check", expect=None).stdout
        assert "L003" in check and "L004" in check, check
        for certificate in (None, "stranger"):
            assert "SLU-4147" in (refused := lake_tables(CONFIG, certificate)).stdout + refused.stderr
        refused = lake_tables(NO_PERMISSION, "server", CATALOG_TOKEN="another-token-of-many-characters")
        assert "SLU-4141" in refused.stdout + refused.stderr and "another-token" not in refused.stdout + refused.stderr
        lake_tables(OK, "server")
        refused = reader.command("run", "--until-lsn", "0/1", expect=REFUSED)
        assert "SLU-4145" in refused.stdout + refused.stderr
        assert "a-token" not in reader.log_tail(100_000)
    finally:
        serving.kill()
        serving.wait()
