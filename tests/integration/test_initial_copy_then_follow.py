"""The main job on every PostgreSQL: copy what is there, follow what comes, under load, end equal."""

import pytest

from support.postgres import MAJORS
from support.workload import MIXED_SCHEMA, MixedLoad, pgbench, pgbench_init, stream_small_transactions


@pytest.fixture(params=MAJORS)
def pg_major(request):
    return request.param


def test_what_was_there_and_what_comes_arrive_in_both(source, sluice, compare):
    source.execute(MIXED_SCHEMA)
    stream_small_transactions(source)
    sluice.init()
    with MixedLoad(source) as load:
        sluice.start()
        sluice.wait_until()
        while load.passes < 5:
            sluice.wait_until()
    sluice.wait_settled()  # A table that is emptied all the time may still have been catching up.
    sluice.wait_until()
    sluice.stop()
    compare()


def test_pgbench_under_load(source, sluice, compare, pg_major):
    if pg_major not in (14, 15, 18):
        pytest.skip("the mixed workload covers the versions between")
    pgbench_init(source, scale=1)
    sluice.init()
    load = pgbench(source, seconds=5)
    sluice.start()
    assert load.wait(60) == 0, load.stdout.read()
    sluice.wait_until()
    sluice.stop()
    compare()
