"""The lake in a bucket: what a folder gives, with the faults of a store behind a network."""

import pytest

from support.compare import Comparison
from support.object_store import S3Server
from support.sluice import FINDINGS, NO_PERMISSION
from support.workload import MIXED_SCHEMA, MixedLoad


# Larger than one request takes.
LARGE = """
CREATE TABLE large (id int PRIMARY KEY, body text);
INSERT INTO large SELECT i, string_agg(md5(i::text || j::text), '') FROM generate_series(1, 1000) i, generate_series(1, 1000) j GROUP BY i;
"""


@pytest.fixture(scope="module")
def s3():
    server = S3Server()
    yield server
    server.remove()


@pytest.fixture
def lake(s3, request):
    """The warehouse, in a bucket of the test's own."""
    name = request.node.name.split("[")[0].replace("_", "-")[:60]
    return s3.bucket(name) + "/deep/warehouse"


@pytest.fixture
def sluice(sluice, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return sluice


@pytest.fixture
def compare(source, replica, sluice, s3):
    return Comparison(source, replica, sluice.folder, s3)


def objects(s3, uri: str) -> list:
    folder = s3.data / uri.removeprefix("s3://")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


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
    assert not [name for name in objects(s3, lake) if ".sluice" in name]
