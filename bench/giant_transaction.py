"""giant_transaction: ten million rows in one transaction, into both sinks. It is the memory that counts."""

import databases
import report
from limits import program
from product import Product


def giant_transaction(source_server, replica_server, folder, arguments) -> dict:
    source, replica = databases.create(source_server, "source_giant"), databases.create(replica_server, "replica_giant")
    source.execute((databases.ROOT / "bench/workload.sql").read_text())
    source.execute("CREATE PUBLICATION bench FOR TABLE shots")
    lake = folder / "giant.lake"
    product = Product(folder, "giant", source, replica=replica, lake=lake)
    product.catch_up()
    source.execute("SELECT pg_create_logical_replication_slot('drained_giant', 'pgoutput')")
    print(f"one transaction of {arguments.giant_rows:,} rows", flush=True)
    before = source.scalar("SELECT pg_current_wal_insert_lsn()::text")
    source.execute(f"INSERT INTO shots SELECT * FROM new_shots(1, {arguments.giant_rows})")

    series = report.Series("giant_transaction", "bare drain of the slot", rows=arguments.giant_rows)
    series.limit_seconds.append(program("bare_drain", source.dsn(), "drained_giant", "bench", before)["seconds"])
    series.costs.append(product.catch_up())
    expected = databases.state(source)
    databases.require_equal("replica", databases.state(replica), expected)
    databases.require_equal("lake", databases.lake_state(lake), expected)
    return series.result()
