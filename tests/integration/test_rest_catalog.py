"""Readers that know one URL: Iceberg's REST protocol, answered by sluice."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import duckdb
import pytest
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, UnauthorizedError

from support import catalog
from support.compare import Comparison
from support.lake import RestLake
from support.object_store import KEY, REGION, SECRET, S3Server
from support.sluice import BINARY, CONFIG
from support.spark import by_spark
from support.tls import free_port, make_certificate
from support.workload import MIXED_SCHEMA, Load, MixedLoad

TOKEN, CLIENT_SECRET = "a-token-of-many-characters", "a-secret-of-many-characters"


@pytest.fixture
def serve(sluice, monkeypatch):
    """serve(token=…): writes the section and returns the URL that readers get. Init comes first."""
    monkeypatch.setenv("CATALOG_TOKEN", TOKEN)
    monkeypatch.setenv("CATALOG_CLIENT", CLIENT_SECRET)

    def configure(**fields) -> str:
        port = free_port()
        sluice.configure(lambda config: config.update(serve={"catalog": {"listen": f"127.0.0.1:{port}", **fields}}))
        return f"{'https' if isinstance(fields.get('tls'), dict) else 'http'}://{'localhost' if isinstance(fields.get('tls'), dict) else '127.0.0.1'}:{port}"

    return configure


def wait_listening(url: str, process=None):
    host, port = url.split("/")[2].split(":")
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def ask(url: str, method="GET", token=None, body=None) -> tuple:
    """Status and JSON."""
    request = urllib.request.Request(url, method=method, data=body, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            text = response.read()
            return response.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or "null")


def test_readers_see_the_source_through_one_url_while_it_is_written(source, sluice, serve, compare):
    """PyIceberg and DuckDB, without a token on the loopback address."""
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    url = serve()
    sluice.start()
    sluice.wait_settled()
    lake = RestLake(url)
    duck = lake.open_duckdb()
    with MixedLoad(source):
        for _ in range(20):
            assert lake.table("public", "account").scan(selected_fields=("id",)).to_arrow().num_rows > 0
            assert duck.execute("SELECT count(*) FROM lake.public.document").fetchone()[0] > 0
    sluice.wait_until()
    compare.lake_equals(catalog.tables(source), lake)
    assert lake.catalog.list_namespaces() == [("public",)]
    assert sorted(name for _, name in lake.catalog.list_tables("public")) == ["account", "document", "event", "reading", "scratch"]
    assert lake.catalog.table_exists(("public", "account")) and not lake.catalog.table_exists(("public", "nothing"))
    with pytest.raises(NoSuchTableError):
        lake.table("public", "nothing")
    with pytest.raises(NoSuchNamespaceError):
        lake.catalog.list_tables("sluice")
    sluice.stop()


PAIR = """
CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int); CREATE TABLE later (id int PRIMARY KEY);
INSERT INTO a SELECT i, 0 FROM generate_series(1, 20) i; INSERT INTO b SELECT i, 0 FROM generate_series(1, 20) i;
"""
SUMS = "SELECT (SELECT sum(n) FROM lake.public.a), (SELECT sum(n) FROM lake.public.b), (SELECT count(*) FROM lake.public.a)"


def test_who_attaches_at_a_moment_reads_all_tables_as_of_it(source, sluice, serve):
    source.execute(PAIR)
    sluice.init(commit_interval="200ms")
    sluice.configure(lambda config: config["sinks"]["lake"].update(snapshots={"keep": 5000}))  # A moment can be read as long as its snapshots are there.
    url = serve()
    sluice.start()
    sluice.wait_settled()
    with Load(source, ["BEGIN; UPDATE a SET n = n + {n} WHERE id = {n} % 20 + 1; UPDATE b SET n = n - {n} WHERE id = {n} % 7 + 1; COMMIT"], pause=0.01):
        seen = set()
        first = RestLake(url, warehouse="lake@now")
        first_duck = first.open_duckdb()
        first_sums = first_duck.execute(SUMS).fetchall()
        for _ in range(15):
            lake = RestLake(url, warehouse="lake@now")
            duck = lake.open_duckdb()
            with_duck = duck.execute(SUMS).fetchone()
            assert with_duck[0] + with_duck[1] == 0 and with_duck[2] == 20, with_duck
            time.sleep(0.3)
            # The same catalog, when the source has gone on.
            assert duck.execute(SUMS).fetchone() == with_duck
            of_a, of_b = (sum(lake.table("public", name).scan(selected_fields=("n",)).to_arrow()["n"].to_pylist()) for name in "ab")
            assert of_a + of_b == 0
            seen.add(with_duck)
        assert len(seen) > 5, "the moments are always new ones"
        assert first_duck.execute(SUMS).fetchall() == first_sums
        spark = by_spark("spark_moment.py", url, "lake@now")
        assert spark["first"][0] + spark["first"][1] == 0 and spark["first"] == spark["second"], spark
    sluice.wait_until()
    snapshots = sluice.command("lake", "snapshots", "a", "--json").json()["snapshots"]
    old = snapshots[len(snapshots) // 2]
    then = [RestLake(url, warehouse=f"x@{wish}").open_duckdb().execute(SUMS).fetchone() for wish in (old["lsn"], old["source_time"])]
    assert all(row[0] + row[1] == 0 for row in then), then
    assert then[0] != RestLake(url, warehouse="x@now").open_duckdb().execute(SUMS).fetchone()
    for wish in ("yesterday", "", "2001-01-01"):
        status, answer = ask(f"{url}/v1/config?warehouse=lake%40{wish}")
        assert status == 400 and answer["error"]["message"], answer
    # A table that came later is not there, and says why.
    source.execute("CREATE TABLE young (id int PRIMARY KEY); INSERT INTO young VALUES (1)")
    sluice.wait_table("public.young", state="streaming")
    sluice.wait_until()
    with pytest.raises(NoSuchTableError, match="copied later"):
        RestLake(url, warehouse=f"lake@{old['lsn']}").table("public", "young")
    assert RestLake(url, warehouse="lake@now").table("public", "young").scan().to_arrow().num_rows == 1
    assert RestLake(url, warehouse="lake@now").table("public", "later").scan().to_arrow().num_rows == 0
    sluice.stop()


def test_nobody_reads_without_the_token_and_nobody_writes_with_it(source, sluice, serve, compare):
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    url = serve(token="${CATALOG_TOKEN}", clients={"reader": {"client_secret": "${CATALOG_CLIENT}"}})
    sluice.start()
    sluice.wait_settled()
    assert ask(f"{url}/v1/config")[0] == 401 and ask(f"{url}/v1/config", token="wrong")[0] == 401
    with pytest.raises(UnauthorizedError):
        RestLake(url, "wrong")
    with pytest.raises(duckdb.Error):
        RestLake.open_duckdb(type("Stranger", (), {"url": url, "token": "wrong", "s3": None, "warehouse": ""}))
    lake = RestLake(url, TOKEN)
    sluice.wait_until()
    compare.lake_equals(catalog.tables(source), lake)
    by_secret = RestLake(url, credential=f"reader:{CLIENT_SECRET}")
    assert by_secret.table("public", "account").scan().to_arrow().num_rows == 2000

    before = lake.table("public", "account").metadata_location
    # PyIceberg knows from the list of endpoints; whoever asks nevertheless is told.
    for refused in (lambda: lake.table("public", "account").append(lake.table("public", "account").scan(limit=1).to_arrow()), lambda: lake.catalog.create_namespace("mine"),
                    lambda: lake.catalog.drop_table(("public", "account")), lambda: lake.catalog.drop_namespace("public")):
        with pytest.raises(NotImplementedError, match="does not support"):
            refused()
    for method, path in (("POST", "namespaces"), ("POST", "namespaces/public/tables/account"), ("DELETE", "namespaces/public/tables/account"), ("POST", "transactions/commit")):
        status, answer = ask(f"{url}/v1/{path}", method, TOKEN, b"{}")
        assert status == 403 and answer["error"]["message"] == "this catalog is read-only: sluice writes the lake"
    duck = lake.open_duckdb()
    with pytest.raises(duckdb.Error):
        duck.execute("DELETE FROM lake.public.account")
    with pytest.raises(duckdb.Error):
        duck.execute("CREATE TABLE lake.public.mine (i int)")
    sluice.wait_until()
    assert lake.table("public", "account").metadata_location == before
    sluice.stop()
    assert TOKEN not in sluice.log.read_text() and CLIENT_SECRET not in sluice.log.read_text()


def test_over_tls(source, sluice, serve, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # They would win over what PyIceberg is told.
        monkeypatch.delenv(name, raising=False)
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    for name in ("server", "stranger"):
        make_certificate(sluice.folder, name)
    url = serve(token="${CATALOG_TOKEN}", tls={"certificate": "server.crt", "key": "server.key"})
    sluice.start()
    sluice.wait_settled()
    lake = RestLake(url, TOKEN, ssl={"cabundle": str(sluice.folder / "server.crt")})
    for name, count in (("account", 2000), ("document", 100)):
        assert lake.table("public", name).scan().to_arrow().num_rows == count
    with pytest.raises(Exception, match="certificate verify failed"):
        RestLake(url, TOKEN, ssl={"cabundle": str(sluice.folder / "stranger.crt")})
    sluice.stop()


def test_a_process_of_its_own_serves_what_another_writes(source, sluice, serve, compare, lake):
    """Also before there is a catalog, which it does not make."""
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    url = serve()
    serving = subprocess.Popen([BINARY, "serve"], cwd=sluice.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(sluice.log, "ab"))
    try:
        wait_listening(url)
        assert ask(f"{url}/v1/namespaces") == (200, {"namespaces": []})
        assert not (lake / "catalog.db").exists()
        taken = sluice.command("run", expect=CONFIG)
        assert "SLU-9301" in taken.stderr and "ss -ltnp" in taken.stderr
        section = {}
        sluice.configure(lambda config: section.update(serve=config.pop("serve")))
        sluice.start()
        sluice.wait_settled()
        with MixedLoad(source):
            for _ in range(10):
                assert ask(f"{url}/v1/namespaces/public/tables/account")[0] == 200
        sluice.wait_until()
        compare.lake_equals(catalog.tables(source), RestLake(url))
        sluice.stop()
        compare.lake_equals(catalog.tables(source), RestLake(url))
        serving.terminate()
        assert serving.wait(10) == 143
    finally:
        serving.kill()


def test_an_open_address_is_refused_with_the_way_out(source, sluice, serve):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    sluice.init()
    serve(listen="0.0.0.0:8181")
    told = sluice.command("run", expect=CONFIG).stderr
    assert "without a token" in told and "without TLS" in told and "terminated_elsewhere" in told


def test_of_a_lake_in_a_bucket_the_catalog_says_where_and_the_reader_has_keys(servers, source, replica, sluice, serve, monkeypatch):
    """Its catalog is in a PostgreSQL."""
    store = S3Server()
    try:
        keeper = servers("catalog").new_database("catalog")
        sluice.lake = store.bucket("lake") + "/warehouse"
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        source.execute(MIXED_SCHEMA)
        sluice.init(commit_interval="300ms")
        sluice.configure(lambda config: config["sinks"]["lake"].update(
            storage={"endpoint": store.endpoint, "region": REGION, "access_key": KEY, "secret_key": "${AWS_SECRET_ACCESS_KEY}"},
            catalog={"type": "postgres", "host": str(keeper.server.folder), "port": 5432, "database": keeper.name, "user": "postgres"}))
        url = serve(token="${CATALOG_TOKEN}")
        sluice.start()
        sluice.wait_settled()
        with MixedLoad(source):
            time.sleep(1)
        sluice.wait_until()
        for name in store.environment:
            monkeypatch.delenv(name)
        table = ask(f"{url}/v1/namespaces/public/tables/account", token=TOKEN)[1]
        assert table["config"] == {"client.region": REGION, "s3.endpoint": store.endpoint, "s3.path-style-access": "true", "s3.region": REGION}
        assert SECRET not in json.dumps(table)
        Comparison(source, replica, None).lake_equals(catalog.tables(source), RestLake(url, TOKEN, store))
        sluice.stop()
    finally:
        store.remove()


@pytest.mark.slow
def test_spark_logs_in_with_its_secret_and_reads(source, sluice, serve):
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: next(iter(config["pipelines"].values())).update(table_options={"public.account": {"lake": {"format_version": 3}}}))  # The other is of format 2.
    sluice.configure(lambda config: config["sinks"]["lake"]["maintenance"].update(compact="off"))  # Else Spark may miss a file before it is refused.
    url = serve(clients={"spark": {"client_secret": "${CATALOG_CLIENT}"}})
    with MixedLoad(source):
        sluice.start()
        sluice.wait_settled()
        time.sleep(1)
    sluice.wait_until()
    said = by_spark("spark_read.py", url, f"spark:{CLIENT_SECRET}", "public.account", "public.document")
    assert said["tables"] == {f"public.{name}": [int(value) for value in source.rows(f"SELECT count(*), sum(id) FROM {name}")[0]] for name in ("account", "document")}
    assert said["namespaces"] == ["public"]
    assert "read-only" in said["refusal"] or "does not support endpoint" in said["refusal"]
    sluice.stop()
