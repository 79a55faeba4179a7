"""The lake in a bucket: what a folder gives, with the faults of a store behind a network."""

import itertools
import time

import pytest

from support import catalog
from support.compare import Comparison
from support.object_store import KEY, REGION, SECRET, AzureServer, GoogleServer, S3Server, SeaweedServer
from support.s3_requests import begin_upload, unfinished_uploads
from support.sluice import CONFIG, NO_PERMISSION
from support.store_proxy import DENIED, FAILS, LOST_REPLY, LOST_REQUEST, NOT_OFFERED, PASS, SILENT, THROTTLED, StoreProxy, sometimes
from support.workload import MIXED_SCHEMA, MixedLoad


# Larger than one request takes.
LARGE = """
CREATE TABLE large (id int PRIMARY KEY, body text);
INSERT INTO large SELECT i, string_agg(md5(i::text || j::text), '') FROM generate_series(1, 1000) i, generate_series(1, 1000) j GROUP BY i;
"""


NUMBERS = itertools.count()


MAKES = {"versitygw": S3Server, "seaweedfs": SeaweedServer, "azurite": AzureServer, "fake-gcs": GoogleServer}
on_both = pytest.mark.parametrize("s3", ["versitygw", "seaweedfs"], indirect=True)
on_all = pytest.mark.parametrize("s3", MAKES, indirect=True)


@pytest.fixture(scope="module")
def stores():
    """stores(make): started when first asked for."""
    started = {}

    def get(make: str):
        if make not in started:
            started[make] = MAKES[make]()
        return started[make]

    yield get
    for server in started.values():
        server.remove()


@pytest.fixture
def s3(stores, request):
    return stores(getattr(request, "param", "versitygw"))


@pytest.fixture
def lake(s3, request):
    """The warehouse, in a bucket of the test's own."""
    name = request.node.name.split("[")[0].replace("_", "-")[:40].rstrip("-") + f"-{next(NUMBERS)}"
    return s3.bucket(name) + "/deep/warehouse"


@pytest.fixture
def sluice(sluice, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return sluice


@pytest.fixture
def compare(source, replica, sluice, s3):
    return Comparison(source, replica, sluice.folder, s3)


@on_all
def test_the_lake_in_a_bucket_is_the_source_through_kills(source, s3, sluice, lake, compare):
    source.execute(MIXED_SCHEMA + LARGE)
    sluice.init(commit_interval="300ms")
    assert "secret" not in sluice.config_file.read_text()
    sluice.command("check")
    with MixedLoad(source):
        sluice.start()
        sluice.wait_settled()
        sluice.kill()
        sluice.start()
        sluice.wait_settled()
    sluice.wait_until()
    compare()
    sluice.command("verify")
    sluice.stop()
    kept = s3.objects(lake)
    assert any(name.endswith(".parquet") for name in kept) and not [name for name in kept if ".sluice" in name]
    restored = source.server.new_database("restored")
    said = sluice.command("restore", "--to", restored.dsn(), "--yes", "--json")
    assert {table["result"] for table in said.json()["tables"]} == {"equal"}
    Comparison(source, restored, None).replica_equals(catalog.tables(source))


def test_the_catalog_may_be_in_a_postgres_that_ends_sessions_and_restarts(servers, source, replica, s3, sluice):
    """Its commits are looked for when their replies are lost; PyIceberg reads the same tables."""
    keeper = servers("catalog").new_database("catalog")
    host, user = keeper.server.folder, "postgres"
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["sinks"]["lake"].update(catalog={"type": "postgres", "host": str(host), "port": 5432, "database": keeper.name, "user": user}))
    assert "L003" in sluice.command("check").stdout
    compare = Comparison(source, replica, sluice.folder, s3, f"postgresql+psycopg://{user}@/{keeper.name}?host={host}")
    with MixedLoad(source):
        sluice.start()
        sluice.wait_settled()
        for _ in range(10):
            keeper.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice catalog' AND pid <> pg_backend_pid()")
            time.sleep(0.3)
        sluice.kill()
        sluice.start()
        sluice.wait_settled()
        keeper.close()
        keeper.server.restart()
        time.sleep(1)
    sluice.wait_until(timeout=120)
    compare()
    sluice.command("verify")
    assert not (sluice.folder / "catalog.db").exists()


@pytest.fixture
def proxied(s3, sluice, monkeypatch):
    """proxied(fate): what sluice asks of the store meets this fate from now on."""
    proxies = []

    def start(fate):
        proxies.append(StoreProxy(s3.port, fate))
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxies[-1].endpoint)
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


def test_a_store_on_a_bad_day_costs_time_and_nothing_else(source, sluice, proxied, compare):
    """One request in eight is throttled, fails, or is lost before or behind the store; one gets no answer at all."""
    source.execute(MIXED_SCHEMA)
    proxy = proxied(sometimes(0, [], 0))
    sluice.init(commit_interval="300ms")
    sluice.start()
    sluice.wait_settled()
    proxy.fate = sometimes(0.12, [THROTTLED, FAILS, LOST_REPLY, LOST_REQUEST], 7)
    with MixedLoad(source, pause=0.05):
        time.sleep(12)
        fates = itertools.chain([SILENT], itertools.repeat(PASS))
        proxy.fate = lambda _method, _path: next(fates)
        time.sleep(4)
    sluice.wait_until(timeout=120)
    assert {fate for fate, _ in proxy.counts} >= {THROTTLED, FAILS, LOST_REPLY, LOST_REQUEST, SILENT}, proxy.counts
    assert proxy.counts[LOST_REPLY, "PUT"] > 0
    compare()
    sluice.command("verify")
    assert sluice.running()


def test_a_store_that_is_away_is_waited_for_and_the_replica_goes_on(source, replica, s3, sluice, proxied, compare):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 500) i")
    proxied(sometimes(0, [], 0))
    sluice.init(commit_interval="300ms")
    sluice.start()
    sluice.wait_settled()
    s3.stop()
    try:
        source.execute("UPDATE t SET v = 'w' WHERE id % 2 = 0")
        deadline = time.monotonic() + 30
        while replica.scalar("SELECT count(*) FROM t WHERE v = 'w'") != 250:
            assert time.monotonic() < deadline, "the replica waits for the lake"
            time.sleep(0.1)
        time.sleep(20)  # Longer than the attempts of one request.
        assert sluice.running()
    finally:
        s3.start()
    sluice.wait_until(timeout=120)
    compare()


@pytest.mark.parametrize("s3, change", [
    *((make, change) for make in ("versitygw", "seaweedfs") for change in ({"AWS_ACCESS_KEY_ID": "nobody"}, {"AWS_SECRET_ACCESS_KEY": "wrong"})),
    ("azurite", {"AZURE_STORAGE_KEY": "d3Jvbmc="}),
    ("azurite", {"AZURE_STORAGE_KEY": "wrong, and nothing that a key can be"}),
], indirect=["s3"])
def test_who_is_not_known_is_told_so(change, sluice, source):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    refused = sluice.command("init", "--from", source.dsn(), "--lake", sluice.lake, env=change, expect=NO_PERMISSION)
    assert "SLU-4006" in refused.stderr and "wrong" not in refused.stderr and "d3Jv" not in refused.stderr and not sluice.config_file.exists()


@on_all
def test_a_bucket_that_is_not_there_is_named(sluice, source, s3):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    refused = sluice.command("init", "--from", source.dsn(), "--lake", s3.uri("no-such-bucket") + "/lake", expect=CONFIG)
    assert "SLU-4001" in refused.stderr and "no-such-bucket" in refused.stderr


def test_a_place_in_azure_is_spelled_as_readers_spell_it(sluice, source):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    refused = sluice.command("init", "--from", source.dsn(), "--lake", "abfss://lake/warehouse", expect=CONFIG)
    assert "CONTAINER@ACCOUNT.dfs.core.windows.net" in refused.stderr


@on_both
def test_keys_stand_in_no_file(sluice, source, s3, compare):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10)")
    sluice.init()
    secret = sluice.folder / ".sluice/secrets/s3"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text(SECRET)
    secret.chmod(0o600)
    storage = {"endpoint": s3.endpoint, "region": REGION, "access_key": KEY, "secret_key": SECRET}
    sluice.configure(lambda config: config["sinks"]["lake"].update(storage=storage))
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    refused = sluice.command("check", env=nobody, expect=CONFIG)
    assert "plain text" in refused.stderr and SECRET not in refused.stderr + refused.stdout
    storage["secret_key"] = "${secret:file:s3}"
    sluice.configure(lambda config: config["sinks"]["lake"].update(storage=storage))
    sluice.sync(env=nobody)
    compare()
    assert SECRET not in sluice.log.read_text()


@pytest.mark.parametrize("s3", [make for make, server in MAKES.items() if server.encrypts], indirect=True)
def test_a_bucket_encrypts_what_it_is_given(source, s3, sluice, lake, compare):
    def plain() -> int:
        return sum(volume.read_bytes().count(b"PAR1") for volume in s3.data.glob(f"{lake.split('/')[2]}_*.dat"))

    source.execute("CREATE TABLE before (id int PRIMARY KEY); INSERT INTO before SELECT generate_series(1, 10)")
    sluice.init()
    sluice.sync()
    written = plain()
    assert written > 0
    s3.encrypt_by_default(lake)
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000); INSERT INTO before VALUES (11)")
    sluice.sync()
    compare()
    assert plain() == written


def lake_orphans(sluice, *options) -> dict:
    """What is said of uploads: how many by table, and the note."""
    said = sluice.command("lake", "orphans", *options, "--json").json()
    return {"note": said.get("note"), **{table["table"].split(".")[-1]: table["uploads_aborted"] for table in said["tables"]}}


@on_both
def test_uploads_that_a_crash_left_are_aborted_and_no_others(source, s3, sluice, lake, proxied, compare):
    """Killed while the parts of a large file are sent; beside it uploads that are not the lake's, and one that may still go on."""
    source.execute(LARGE)
    proxy = proxied(lambda method, path: SILENT if "partNumber=2" in path else PASS)
    sluice.init(commit_interval="300ms")
    sluice.start()
    deadline = time.monotonic() + 60
    while not proxy.counts[SILENT, "PUT"]:
        assert sluice.running() and time.monotonic() < deadline
        time.sleep(0.05)
    sluice.kill()
    proxy.fate = lambda _method, _path: PASS
    bucket, _, folder = lake.removeprefix("s3://").partition("/")
    crashed = unfinished_uploads(s3.endpoint, bucket)
    assert crashed and all(key.startswith(f"{folder}/public/large/data/") and "/e000001-" in key for key in crashed)
    others = [f"{folder}-beside/public/large/data/e000001-foreign.parquet", f"{folder}/public/large/data/e000099-later.parquet", f"{folder}/public/large/data/part-0-spark.parquet"]
    for key in [*others, f"{folder}/public/large/data/e000001-planted.parquet"]:
        begin_upload(s3.endpoint, f"/{bucket}/{key}")

    sluice.start()
    sluice.wait_settled()
    count = len(crashed) + 1
    assert lake_orphans(sluice, "--dry-run") == {"note": None, "large": count}
    assert len(unfinished_uploads(s3.endpoint, bucket)) == count + len(others)
    assert lake_orphans(sluice) == {"note": None, "large": count}
    assert sorted(unfinished_uploads(s3.endpoint, bucket)) == sorted(others)
    assert lake_orphans(sluice) == {"note": None, "large": 0}
    sluice.stop()
    compare()
    begin_upload(s3.endpoint, f"/{bucket}/{folder}/public/large/data/e000002-planted.parquet")  # What has ended is older than whoever looks next.
    assert lake_orphans(sluice) == {"note": None, "large": 1}
    assert sorted(unfinished_uploads(s3.endpoint, bucket)) == sorted(others)


def test_a_store_that_tells_of_no_uploads_is_said_and_nothing_else_fails(source, s3, sluice, lake, proxied, compare):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10); CREATE TABLE u (id int PRIMARY KEY)")
    proxy = proxied(sometimes(0, [], 0))
    sluice.init(commit_interval="300ms")
    sluice.start()
    sluice.wait_settled()
    bucket, _, folder = lake.removeprefix("s3://").partition("/")
    begin_upload(s3.endpoint, f"/{bucket}/{folder}/public/t/data/e000000-planted.parquet")
    for what, answer, words in [("GET", DENIED, "does not permit s3:ListBucketMultipartUploads"), ("GET", NOT_OFFERED, "does not offer s3:ListBucketMultipartUploads"),
                                ("DELETE", DENIED, "does not permit s3:AbortMultipartUpload")]:
        proxy.fate = lambda method, path: answer if method == what and ("?uploads" in path or "?uploadId" in path) else PASS
        said = sluice.command("lake", "orphans")
        assert said.stderr.count(words) == 1 and "SLU-" not in said.stderr, said
        assert words in lake_orphans(sluice)["note"]
    assert proxy.counts[DENIED, "DELETE"] > 0
    source.execute("INSERT INTO t VALUES (11)")
    sluice.wait_until()
    compare()
    proxy.fate = lambda _method, _path: PASS
    assert lake_orphans(sluice) == {"note": None, "t": 1, "u": 0}
