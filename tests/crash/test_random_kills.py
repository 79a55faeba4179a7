"""Ten kills at random moments under load lose nothing and double nothing."""

import random
import time

import pytest

from support.workload import MIXED_SCHEMA, MixedLoad, pgbench, pgbench_init, stream_small_transactions

KILLS = 10


@pytest.mark.slow
@pytest.mark.parametrize("load", ["mixed", "pgbench"])
def test_ten_random_kills(load, source, sluice, compare):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    if load == "mixed":
        source.execute(MIXED_SCHEMA)
        stream_small_transactions(source)
    else:
        pgbench_init(source, scale=1)
    sluice.init(commit_interval="500ms")

    def kill_and_start():
        for _ in range(KILLS):
            sluice.start()
            time.sleep(moments.uniform(0.05, 2.0))
            assert sluice.running(), sluice.log_tail()
            sluice.kill()
        sluice.start()

    if load == "mixed":
        with MixedLoad(source):
            kill_and_start()
    else:
        bench = pgbench(source, seconds=15)
        kill_and_start()
        assert bench.wait(60) == 0, bench.stdout.read()
    sluice.wait_until(timeout=90)
    sluice.stop()
    compare()
