"""A network that cuts, holds and loses at random, on both links and from the first connection on: what arrives is exact.

SLUICE_SEED repeats a run, SLUICE_SECONDS makes it longer: SLUICE_SEED=7 SLUICE_SECONDS=30 python -m pytest -c tests/pytest.ini tests/crash/test_random_network.py
"""

import os
import time
from collections import Counter

import pytest

from support.lying_proxy import Chaos, LyingProxy
from support.workload import MIXED_SCHEMA, MixedLoad, stream_small_transactions

SEEDS = [int(os.environ["SLUICE_SEED"])] if "SLUICE_SEED" in os.environ else [1, 2]
SECONDS = float(os.environ.get("SLUICE_SECONDS", 6))
OPTIONS = "connect_timeout=2 keepalives_idle=2 sslmode=disable"


@pytest.fixture
def chaotic():
    """chaotic(database, seed): a proxy before its server."""
    proxies = []

    def make(database, seed):
        proxies.append(LyingProxy(database.server.folder, chaos=Chaos(f"{seed} {len(proxies)}")))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


def faults(links) -> int:
    return sum(count for link in links for name, count in link.counts.items() if name != "serve")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_what_arrives_through_a_random_network_is_exact(seed, chaotic, source, replica, sluice, compare):
    print(f"seed {seed}")
    source.execute(MIXED_SCHEMA)
    source.execute(f"ALTER DATABASE {source.name} SET wal_sender_timeout = '6s'")  # How long the source keeps the slot of a reader it lost.
    stream_small_transactions(source)
    links = [chaotic(source, seed), chaotic(replica, seed)]
    sluice.init(commit_interval="300ms")

    def through_the_proxies(config):
        for side, link, database in (("sources", links[0], source), ("sinks", links[1], replica)):
            section = config[side]["source" if side == "sources" else "replica"]
            for part in ("host", "port", "database", "user", "dsn"):
                section.pop(part, None)
            section["dsn"] = link.dsn(database, OPTIONS)
        config["pipelines"]["main"]["tables"].update(watch="500ms")

    sluice.configure(through_the_proxies)
    with MixedLoad(source, pause=0.02):
        sluice.start()
        time.sleep(SECONDS / 2)
        source.execute("ALTER TABLE account ADD COLUMN note text DEFAULT 'new'")
        source.execute("INSERT INTO account SELECT 9000000 + i, repeat('x', 250), i, now() FROM generate_series(1, 20000) i")
        time.sleep(SECONDS / 2)
        deadline = time.monotonic() + 30
        while faults(links) < 4 and time.monotonic() < deadline:  # A busy machine makes fewer connections in that time.
            time.sleep(0.2)
        for link in links:
            link.relent()
    assert sluice.running(), sluice.log_tail()
    sluice.wait_settled(timeout=120)
    sluice.wait_until(timeout=90)
    print(dict(sorted(sum((link.counts for link in links), Counter()).items())))
    assert faults(links) >= 4
    sluice.wait_equal(compare)
    sluice.stop()
