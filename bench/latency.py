"""latency_replica: how long one row takes to show on the replica, beside the server's own subscription."""

import statistics
import time

import databases
import report
from copy_and_stream import in_turn
from limits import Subscription, program
from product import Product

RATES = (200, 1000)  # One-row transactions per second.


def latency_replica(source_server, replica_server, folder, arguments) -> dict:
    source = databases.create(source_server, "source_latency")
    replicas = [databases.create(replica_server, f"{name}_latency") for name in ("limit", "product")]
    for database in (source, replicas[0]):
        database.execute((databases.ROOT / "bench/workload.sql").read_text())
    source.execute("CREATE PUBLICATION bench FOR TABLE probe")
    subscription = Subscription(source, replicas[0], "subscription_latency", "bench")
    product = Product(folder, "latency", source, replica=replicas[1])
    product.catch_up()

    measured = {rate: {"limit": [], "product": []} for rate in RATES}
    costs = []

    def probe(kind: str, replica, rate: int):
        wait_until_equal(source, replica)
        measured[rate][kind].append(program("latency_probe", source.dsn(), replica.dsn(), rate, arguments.latency_seconds))

    def limit(rate: int):
        subscription.enable()
        probe("limit", replicas[0], rate)
        subscription.disable()

    def product_(rate: int):
        process = product.start()
        try:
            probe("product", replicas[1], rate)
            costs.append(process.stop())
        finally:
            process.kill()

    for number in range(1, arguments.rounds + 1):
        for rate in RATES:
            print(f"latency at {rate:,} transactions/s, round {number} of {arguments.rounds}", flush=True)
            in_turn(number, lambda: limit(rate), lambda: product_(rate))
    subscription.drop()
    return _result(measured, costs)


def wait_until_equal(source, replica, seconds_max: float = 60):
    """Until the rows of earlier probes are over."""
    deadline = time.monotonic() + seconds_max
    while source.scalar("SELECT count(*) FROM probe") != replica.scalar("SELECT count(*) FROM probe"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the rows of earlier probes did not arrive in {seconds_max} s")
        time.sleep(0.05)


def _result(measured: dict, costs: list) -> dict:
    at = []
    for rate, kinds in measured.items():
        figures = {"transactions_per_second": rate}
        for q in ("p50", "p99"):
            limit, product = (statistics.median(probe[f"{q}_ms"] for probe in kinds[kind]) for kind in ("limit", "product"))
            figures |= {f"{q}_ms": product, f"limit_{q}_ms": limit, f"{q}_ratio": round(product / limit, 3)}
        at.append(figures)
    reached = statistics.median(probe["rows_per_second"] for probe in measured[RATES[-1]]["product"])
    limit_reached = statistics.median(probe["rows_per_second"] for probe in measured[RATES[-1]]["limit"])
    worst = max(figures[f"{q}_ratio"] for figures in at for q in ("p50", "p99"))
    return report.result("latency_replica", reached, "the server's own subscription", limit_reached, costs) | {"ratio": worst, "at": at}
