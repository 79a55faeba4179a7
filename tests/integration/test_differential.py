"""Whatever a random application does to random tables, source, replica and lake are equal whenever it pauses.

SLUICE_SEED repeats a run, SLUICE_ROUNDS makes it longer.
"""

import os
import random
import time

import pytest

from support.generator import Generator
from support.postgres import MAJORS
from support.workload import stream_small_transactions

SEEDS = {14: 142, 15: 150, 16: 160, 17: 172, 18: 180}  # Each makes every kind of change at least once.
ROUNDS = int(os.environ.get("SLUICE_ROUNDS", 3))
TRANSACTIONS = 40
PER_STRUCTURE = 3  # One transaction in so many changes the structure.


@pytest.fixture(params=MAJORS)
def pg_major(request):
    return request.param


@pytest.fixture
def generator(source, tmp_path, pg_major):
    seed = int(os.environ.get("SLUICE_SEED", SEEDS[pg_major]))
    print(f"seed {seed}, PostgreSQL {pg_major}, history in {tmp_path / 'history.sql'}")
    made = Generator(source, random.Random(seed), tmp_path / "history.sql")
    yield made
    made.close()


def work(generator, transactions):
    for number in range(transactions):
        if number % PER_STRUCTURE == 0:
            generator.change_structure()
        else:
            generator.transaction()
        generator.overlapping()
        time.sleep(generator.random.choice((0, 0, 0.02, 0.1)))


def test_random_changes_arrive_in_both(generator, source, sluice, compare):
    if generator.random.random() < 0.5:
        stream_small_transactions(source)
    generator.make_schema()
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
    sluice.start()
    if generator.random.random() < 0.5:  # Otherwise the first changes come while the copy is made.
        sluice.wait_until()
    for number in range(ROUNDS):
        print(f"round {number}")
        killed = generator.random.choice(("never", "between", "away")) if number else "never"
        work(generator, TRANSACTIONS // 2)
        if killed != "never":
            assert sluice.running(), sluice.log_tail()
            sluice.kill()
            generator.counts["killed"] += 1
        if killed == "between":
            sluice.start()
        work(generator, TRANSACTIONS // 2)
        generator.finish_overlapping()
        if killed == "away":
            sluice.start()
        sluice.wait_equal(compare)
        generator.forget_swapped()
    print(dict(sorted(generator.counts.items())))
    never = (Generator.CATEGORIES | {"killed"}) - set(+generator.counts)
    assert not never, f"never happened: {sorted(never)}"
