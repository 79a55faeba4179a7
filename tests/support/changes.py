"""What the versions in a table of changes come to."""

from support.lake import Lake, pyiceberg_rows

STAMPS = ("_op", "_seq", "_ingested_at", "_committed_at", "_lsn")


def keep_changes(sluice, *tables, **more):
    sluice.configure(lambda config: config["sinks"]["lake"].update(changes={"tables": list(tables), **more}))


def versions(lake: Lake, name: str) -> list:
    """In their order."""
    rows = pyiceberg_rows(lake.table("public", f"{name}_changes")).to_pylist()
    return sorted(rows, key=lambda row: (row["_lsn"], row["_seq"]))


def without_stamps(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in STAMPS}


def state_of(rows: list, key: str) -> dict:
    """What the table is after these versions, by its key."""
    state = {}
    for row in rows:
        if row["_op"] == "truncate":
            state.clear()
        elif row["_op"] == "delete":
            del state[row[key]]
        else:
            state[row[key]] = without_stamps(row)
    return state


def changes_come_to_the_table(lake: Lake, name: str, key: str = "id"):
    """Each version is there once, and all of them come to what the table is."""
    rows = versions(lake, name)
    places = [(row["_lsn"], row["_seq"]) for row in rows if row["_op"] != "copy"]
    assert len(places) == len(set(places))
    table = {row[key]: without_stamps(row) for row in pyiceberg_rows(lake.table("public", name)).to_pylist()}
    assert state_of(rows, key) == table
