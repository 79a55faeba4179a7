"""copy_lake, copy_replica, stream_lake, stream_replica, both: rounds in which every consumer reads the same source."""

import databases
import report
from limits import Subscription, copy_through_psql, program
from product import Product

PARALLEL = 2  # Connections of the initial copy, as sluice init writes it.
MARKER = 0     # Key of the backlog's last row: where it is, everything is.


class Round:
    """One source with its consumers: projects into the lake, into a replica and into both, and what each is held against."""

    def __init__(self, number: int, source_server, replica_server, folder, template: str):
        self.source = databases.create(source_server, f"source_{number}", template)
        schema = (databases.ROOT / "bench/workload.sql").read_text()
        self.replicas = {name: databases.create(replica_server, f"{name}_{number}") for name in ("limit", "alone", "both")}
        self.replicas["limit"].execute(schema)
        self.lakes = {name: folder / f"{name}_{number}.lake" for name in ("alone", "both")}
        self.to_lake = Product(folder, f"to_lake_{number}", self.source, lake=self.lakes["alone"])
        self.to_replica = Product(folder, f"to_replica_{number}", self.source, replica=self.replicas["alone"])
        self.to_both = Product(folder, f"to_both_{number}", self.source, replica=self.replicas["both"], lake=self.lakes["both"])
        self.number = number

    def check(self, what: str, replicas=("alone", "both", "limit")):
        expected = databases.state(self.source)
        for name in replicas:
            databases.require_equal(f"{what}, replica {name}", databases.state(self.replicas[name]), expected)
        for name, lake in self.lakes.items():
            databases.require_equal(f"{what}, lake {name}", databases.lake_state(lake), expected)

    def add_limits(self):
        """Readers of the stream that are not sluice, at the place where sluice stands."""
        self.source.execute("CREATE PUBLICATION bench FOR TABLE shots")
        self.drained = f"drained_{self.number}"
        self.source.execute(f"SELECT pg_create_logical_replication_slot('{self.drained}', 'pgoutput')")
        self.subscription = Subscription(self.source, self.replicas["limit"], f"subscription_{self.number}", "bench")

    def make_backlog(self, rows: int, inserts: int):
        self.source.execute("SET synchronous_commit = off")
        self.source.execute(f"CALL make_backlog({rows}, {inserts})")
        self.source.execute("SET synchronous_commit = on")
        self.before_last = self.source.scalar("SELECT pg_current_wal_insert_lsn()::text")
        self.source.execute(f"INSERT INTO shots SELECT * FROM new_shots({MARKER}, 1)")

    def remove(self, source_server, replica_server):
        self.subscription.drop()
        for database in (self.source, *self.replicas.values()):
            database.drop()
        for server in (source_server, replica_server):
            databases.Database(server, "postgres").execute("CHECKPOINT")  # Lets the log of this round go.


class CopyAndStream:
    def __init__(self, source_server, replica_server, folder, arguments):
        self.servers, self.folder, self.arguments = (source_server, replica_server), folder, arguments
        self.copy_lake = report.Series("copy_lake", "COPY to nowhere")
        self.copy_replica = report.Series("copy_replica", "psql COPY | COPY")
        self.stream_lake = report.Series("stream_lake", "bare drain of the slot")
        self.stream_replica = report.Series("stream_replica", "the server's own subscription")
        self.both = report.Series("both", "")

    def run(self) -> list:
        template = databases.create(self.servers[0], "template_shots")
        with template.connect() as connection:  # Closed afterwards: a template may have no visitors.
            connection.execute((databases.ROOT / "bench/workload.sql").read_text())
            connection.execute(f"INSERT INTO shots SELECT * FROM new_shots(1, {self.arguments.rows})")
            connection.execute("VACUUM (FREEZE, ANALYZE) shots")
        for number in range(1, self.arguments.rounds + 1):
            print(f"copy and stream, round {number} of {self.arguments.rounds}", flush=True)
            round_ = Round(number, *self.servers, self.folder, template.name)
            self._copy(round_)
            self._stream(round_)
            round_.remove(*self.servers)
        return [series.result() for series in (self.copy_lake, self.copy_replica, self.stream_lake, self.stream_replica)] + [self._both()]

    def _copy(self, round_: Round):
        dsn = round_.source.dsn()
        in_turn(round_.number,
                lambda: self.copy_lake.limit_seconds.append(program("bare_copy", dsn, "shots", PARALLEL)["seconds"]),
                lambda: self.copy_lake.costs.append(round_.to_lake.catch_up()))
        in_turn(round_.number,
                lambda: self.copy_replica.limit_seconds.append(copy_through_psql(round_.source, round_.replicas["limit"], "shots", PARALLEL)),
                lambda: self.copy_replica.costs.append(round_.to_replica.catch_up()))
        round_.to_both.catch_up()
        round_.check("copy")
        self.copy_lake.rows = self.copy_replica.rows = self.arguments.rows

    def _stream(self, round_: Round):
        round_.add_limits()
        round_.make_backlog(self.arguments.rows, self.arguments.inserts)
        for replica in round_.replicas.values():
            replica.execute("ANALYZE shots")  # sluice does it behind the copy; here it would be timed as part of the stream.

        def drain():
            drained = program("bare_drain", round_.source.dsn(), round_.drained, "bench", round_.before_last)
            self.stream_lake.limit_seconds.append(drained["seconds"])
            self.stream_lake.rows = self.stream_replica.rows = self.both.rows = drained["rows"]

        def subscribe():
            arrived = f"EXISTS (SELECT FROM shots WHERE shot_id = {MARKER})"
            self.stream_replica.limit_seconds.append(round_.subscription.seconds_until(arrived))
            round_.subscription.disable()

        in_turn(round_.number, drain, lambda: self.stream_lake.costs.append(round_.to_lake.catch_up()))
        in_turn(round_.number, subscribe, lambda: self.stream_replica.costs.append(round_.to_replica.catch_up()))
        self.both.costs.append(round_.to_both.catch_up())
        round_.check("stream")

    def _both(self) -> dict:
        slower = min((self.stream_lake.result(), self.stream_replica.result()), key=lambda entry: entry["rows_per_second"])
        self.both.limit_name = f"{slower['name']} alone"
        self.both.limit_seconds = [self.both.rows / slower["rows_per_second"]]
        return self.both.result()


def in_turn(number: int, limit, product):
    """Now one goes first, now the other."""
    for measure in (limit, product) if number % 2 else (product, limit):
        measure()
