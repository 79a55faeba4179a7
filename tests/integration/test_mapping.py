"""Names, columns, rows and masks per sink: the same for the copy, the stream and verify, and plain text nowhere."""

import copy
import hashlib
import hmac
import json
import os
import pathlib
import signal
import time

import pytest

from support import catalog
from support.lake import Lake
from support.sluice import CONFIG, FINDINGS
from support.workload import MIXED_SCHEMA, MixedLoad, stream_small_transactions

SALT = "pepper and salt"
HIDDEN, SHOWN = "HIDDENplaintextMARK", "SHOWNplaintextMARK"

PLAYER = f"""
CREATE TABLE player (
  id int PRIMARY KEY, e_mail text NOT NULL UNIQUE CHECK (e_mail LIKE '%@%'), phone varchar(20), birth_date date, score numeric(10,2), seen timestamptz,
  note text, fax text, photo bytea, bio text, country text NOT NULL DEFAULT 'DE', land text GENERATED ALWAYS AS (upper(country)) STORED);
ALTER TABLE player ALTER bio SET STORAGE EXTERNAL, ALTER note SET STORAGE EXTERNAL;
CREATE INDEX player_country ON player (country); CREATE INDEX player_lower_mail ON player (lower(e_mail));
INSERT INTO player SELECT i, '{HIDDEN}' || i || '@example.com', '+49 170 ' || i, date '1980-05-06' + i * 37, i * 1234.56, timestamptz '2020-01-01 10:20:30+00' + i * interval '1 hour',
  repeat('{HIDDEN}', 200), '{HIDDEN}', decode(repeat('00ff', 50), 'hex') || '{HIDDEN}', repeat('{SHOWN}', 200) || i, (ARRAY['DE', 'DK', 'SE'])[1 + i % 3] FROM generate_series(1, 60) i;
CREATE TABLE shot (id int PRIMARY KEY, player int, v text);
INSERT INTO shot SELECT i, i, '{SHOWN}' FROM generate_series(1, 30) i;
"""

CHANGES = [
    f"INSERT INTO player (id, e_mail, phone, note, bio) VALUES (100, '{HIDDEN}new@example.com', 'é日本', NULL, 'short'), (101, '{HIDDEN}x@y', NULL, '{HIDDEN}', NULL)",
    "UPDATE player SET score = score - 10000 WHERE id <= 10",
    f"UPDATE player SET e_mail = '{HIDDEN}changed' || id || '@example.com', birth_date = '0044-03-15 BC' WHERE id BETWEEN 5 AND 8",
    "UPDATE player SET id = id + 1000 WHERE id BETWEEN 20 AND 25",
    f"BEGIN; UPDATE player SET note = repeat('{HIDDEN}', 300) WHERE id = 30; UPDATE player SET phone = '1' WHERE id = 30; UPDATE player SET bio = NULL WHERE id = 31; COMMIT",
    "DELETE FROM player WHERE id IN (1, 2, 1020)",
    "BEGIN; TRUNCATE shot; INSERT INTO shot VALUES (1, 1, 'again'); COMMIT",
    "UPDATE shot SET v = 'more'; INSERT INTO player (id, e_mail) SELECT i, 'bulk' || i || '@example.com' FROM generate_series(5000, 5200) i; DELETE FROM player WHERE id % 7 = 0 AND id > 5000",
]

COLUMNS = {
    "exclude": ["photo"], "rename": {"e_mail": "email"},
    "mask": {"e_mail": {"hash": {"salt": "${secret:file:salt}"}}, "phone": {"partial": {"keep_last": 2}}, "birth_date": {"truncate": "year"}, "score": {"truncate": 1000},
             "seen": {"truncate": "hour"}, "note": "redact", "fax": None},
}
MAP = [{"table": "public.player", "to": "crm.players", "columns": COLUMNS}, {"namespace": "public", "to": "raw"}]


def map_sinks(sluice, **maps):
    salt = sluice.folder / ".sluice/secrets/salt"
    salt.parent.mkdir(parents=True, exist_ok=True)
    salt.write_text(SALT)
    salt.chmod(0o600)

    def change(config):
        for sink, mapping in maps.items():
            config["sinks"][sink]["map"] = copy.deepcopy(mapping)  # Else the file would have aliases.

    sluice.configure(change)


def hashed(value):
    return None if value is None else hmac.new(SALT.encode(), str(value).encode(), hashlib.sha256).hexdigest()


def partial(value, last=2):
    return None if value is None else "*" * len(value) if len(value) <= last else "*" * (len(value) - last) + value[-last:]


def expected_players(source) -> list:
    """As the map wants them, computed from the source's rows without sluice."""
    rows = source.rows("SELECT id, e_mail, phone, to_char(date_trunc('year', birth_date), 'YYYY-MM-DD BC'), trunc(score / 1000) * 1000, "
                       "date_trunc('hour', seen AT TIME ZONE 'UTC')::text, CASE WHEN note IS NOT NULL THEN '***' END, md5(bio), country FROM player")
    return sorted((id, hashed(mail), partial(phone), born, score if score is None else float(score), seen, note, None, bio, country)
                  for id, mail, phone, born, score, seen, note, bio, country in rows)


def replica_players(replica, table="crm.players") -> list:
    rows = replica.rows(f"SELECT id, email, phone, to_char(birth_date, 'YYYY-MM-DD BC'), score, (seen AT TIME ZONE 'UTC')::text, note, fax, md5(bio), country FROM {table}")
    return sorted((*row[:4], None if row[4] is None else float(row[4]), *row[5:]) for row in rows)


def lake_players(lake, source, name=("crm", "players")) -> list:
    rows = []
    for row in Lake(lake).table(*name).scan().to_arrow().to_pylist():
        born = row["birth_date"]
        seen = row["seen"]
        rows.append((row["id"], row["email"], row["phone"], born and born.strftime("%Y-%m-%d AD"), None if row["score"] is None else float(row["score"]),
                     seen and seen.strftime("%Y-%m-%d %H:%M:%S"), row["note"], row["fax"], None if row["bio"] is None else hashlib.md5(row["bio"].encode()).hexdigest(), row["country"]))
    return sorted(rows)


def without_ancient(rows):
    """The lake has no years before 1, by its declared rule."""
    return [(*row[:3], None if row[3] and row[3].endswith("BC") else row[3], *row[4:]) for row in rows]


def check_both(source, replica, lake):
    expected = expected_players(source)
    assert replica_players(replica) == expected
    assert lake_players(lake, source) == without_ancient(expected)
    shots = sorted(source.rows("SELECT id, player, v FROM shot"))
    assert sorted(replica.rows("SELECT id, player, v FROM raw.shot")) == shots
    assert sorted((r["id"], r["player"], r["v"]) for r in Lake(lake).table("raw", "shot").scan().to_arrow().to_pylist()) == shots


def files_with(text: str, *folders) -> list:
    found = []
    for folder in folders:
        for path in [folder] if folder.is_file() else folder.rglob("*"):
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(path)
    return found


def test_copy_stream_and_verify_go_through_one_mapping_and_plain_text_is_nowhere(source, replica, lake, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, replica=MAP, lake=MAP)
    sluice.configure(lambda config: config["sinks"]["lake"].update(files={"compression": "none"}))
    sluice.sync()
    check_both(source, replica, lake)
    assert "equal" in sluice.command("verify").stdout
    for changes in CHANGES:
        source.execute(changes)
        sluice.sync()
        check_both(source, replica, lake)
    source.execute(";".join(CHANGES[3:4]).replace("20 AND 25", "40 AND 45"))
    source.execute("UPDATE player SET e_mail = 'z' || e_mail")
    sluice.sync()
    check_both(source, replica, lake)
    sluice.command("verify")
    replica.execute("CHECKPOINT")
    data = replica.server.data
    assert files_with(SHOWN, lake) and files_with(SHOWN, data / "base")
    assert not files_with(HIDDEN, lake, data / "base", data / "pg_wal", replica.server.folder / "server.log", sluice.log, sluice.folder)


def test_the_replica_has_what_survives_and_says_what_does_not(source, replica, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, replica=MAP)
    said = sluice.sync().stderr
    columns = [row[0] for row in replica.rows("SELECT attname::text FROM pg_attribute WHERE attrelid = 'crm.players'::regclass AND attnum > 0 ORDER BY attnum")]
    assert columns == ["id", "email", "phone", "birth_date", "score", "seen", "note", "fax", "bio", "country", "land"]
    indexes = {row[0] for row in replica.rows("SELECT relname::text FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE indrelid = 'crm.players'::regclass")}
    assert indexes == {"players_pkey", "players_e_mail_key", "players_country"}
    for gone in ("constraint player_e_mail_check", "index player_lower_mail"):
        assert gone in said
    assert replica.scalar("SELECT land FROM crm.players WHERE id = 1") == replica.scalar("SELECT upper(country) FROM crm.players WHERE id = 1")


def test_table_options_name_the_table_of_the_source(source, lake, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, lake=MAP)
    sluice.configure(lambda config: config["pipelines"]["main"].update(table_options={"public.player": {"lake": {"partition": ["country"]}}}))
    sluice.sync()
    assert [field.name for field in Lake(lake).table("crm", "players").spec().fields] == ["country"]


def test_only_one_sink_is_mapped_and_the_other_is_equal(source, lake, sluice, compare):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, lake=MAP)
    sluice.sync()
    for changes in CHANGES:
        source.execute(changes)
    sluice.sync()
    compare.replica_equals(catalog.tables(source))
    assert lake_players(lake, source) == without_ancient(expected_players(source))
    sluice.command("verify")


# A column that names an object of the source makes the whole stream text.
BINARY_AND_TEXT = pytest.mark.parametrize("extra", ["", ", kind regclass"], ids=["binary", "text"])


@BINARY_AND_TEXT
def test_a_hash_may_be_the_key_and_is_the_same_in_both_forms_of_the_stream(extra, source, replica, lake, sluice):
    source.execute(f"CREATE TABLE person (tax_number bigint, day date, n int{extra}, PRIMARY KEY (tax_number, day)); INSERT INTO person SELECT 1000 + i, '2024-01-01', i FROM generate_series(1, 20) i")
    sluice.init()
    mapping = [{"table": "public.person", "columns": {"mask": {"tax_number": {"hash": {"salt": "${secret:file:salt}"}}}}}]
    map_sinks(sluice, replica=mapping, lake=mapping)
    sluice.sync()
    for changes in ("UPDATE person SET n = -n WHERE n < 5", "UPDATE person SET tax_number = tax_number + 500 WHERE n > 15", "DELETE FROM person WHERE n = 10; INSERT INTO person VALUES (1010, '2024-01-01', 99)"):
        source.execute(changes)
        sluice.sync()
        expected = sorted((hashed(number), n) for number, n in source.rows("SELECT tax_number, n FROM person"))
        assert sorted(replica.rows("SELECT tax_number, n FROM person")) == expected
        assert sorted((r["tax_number"], r["n"]) for r in Lake(lake).table("public", "person").scan().to_arrow().to_pylist()) == expected
    assert replica.scalar("SELECT count(*) FROM pg_index WHERE indrelid = 'person'::regclass AND indisprimary") == 1
    sluice.command("verify")


@BINARY_AND_TEXT
def test_rows_cross_a_filter_with_their_large_values(extra, source, replica, lake, sluice):
    source.execute(f"""
        CREATE TYPE mood AS ENUM ('sad', 'fine', 'glad');
        CREATE TABLE client (id int PRIMARY KEY, country text, mood mood, since date, amount numeric, body text{extra}); ALTER TABLE client ALTER body SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
        INSERT INTO client SELECT i, (ARRAY['DE', 'DK', 'SE', NULL])[1 + i % 4], (ARRAY['sad', 'fine', 'glad']::mood[])[1 + i % 3], date '2019-01-01' + i - 20, i / 3.0, repeat(i::text || ' ', 4000)
          FROM generate_series(1, 60) i""")
    sluice.init()
    mapping = [{"table": "public.client", "where": [{"column": "country", "in": ["DE", "DK"]}, {"column": "mood", "ge": "fine"}, {"column": "since", "ge": "2019-01-01"},
                                                    {"column": "amount", "lt": "19.5"}]}]
    map_sinks(sluice, replica=mapping, lake=mapping)
    sluice.sync()

    def check():
        where = "country IN ('DE', 'DK') AND mood >= 'fine' AND since >= '2019-01-01' AND amount < 19.5"
        expected = sorted(source.rows(f"SELECT id, country, md5(body) FROM client WHERE {where}"))
        assert expected
        assert sorted(replica.rows("SELECT id, country, md5(body) FROM client")) == expected
        rows = Lake(lake).table("public", "client").scan().to_arrow().to_pylist()
        assert sorted((r["id"], r["country"], hashlib.md5(r["body"].encode()).hexdigest()) for r in rows) == expected

    check()
    for changes in ("UPDATE client SET country = CASE country WHEN 'DE' THEN 'SE' WHEN 'SE' THEN 'DE' ELSE country END",
                    "UPDATE client SET mood = 'glad' WHERE mood = 'sad'; UPDATE client SET mood = 'sad' WHERE id % 5 = 0",
                    "BEGIN; UPDATE client SET country = NULL WHERE id = 31; UPDATE client SET country = 'DK', mood = 'fine' WHERE id = 31; UPDATE client SET id = 500 WHERE id = 31; COMMIT",
                    "UPDATE client SET amount = 0; UPDATE client SET amount = 1000 WHERE id % 2 = 0", "DELETE FROM client WHERE id % 3 = 0; INSERT INTO client VALUES (900, 'DE', 'glad', '2024-01-01', 1, 'b'), (901, 'SE', 'glad', '2024-01-01', 1, 'b')"):
        source.execute(changes)
        sluice.sync()
        check()
    sluice.command("verify")


def test_a_large_open_transaction_spills_nothing_readable(source, replica, sluice):
    source.execute(PLAYER)
    stream_small_transactions(source)
    sluice.init()
    map_sinks(sluice, replica=MAP, lake=MAP)
    sluice.configure(lambda config: config["sources"]["source"].update(stream={"spill_after": "1MiB"}))
    sluice.start()
    sluice.wait_until()
    with source.connect(autocommit=False) as writer:
        writer.execute(f"INSERT INTO player (id, e_mail, note) SELECT i, '{HIDDEN}' || i || '@example.com', '{HIDDEN}' FROM generate_series(10000, 60000) i")
        spilled = wait_spilled(sluice, 2 << 20)
        assert HIDDEN.encode() not in spilled and b"example.com" not in spilled
        writer.commit()
    sluice.wait_until()
    sluice.stop()
    assert replica_players(replica) == expected_players(source)
    assert not files_with(HIDDEN, sluice.folder)


def wait_spilled(sluice, size: int) -> bytes:
    """The content of the nameless file, once it has so many bytes."""
    deadline = time.monotonic() + 60
    while True:
        assert sluice.running() and time.monotonic() < deadline, sluice.log_tail()
        for link in pathlib.Path(f"/proc/{sluice.pid}/fd").iterdir():
            try:
                if "/spill-" in os.readlink(link) and len(content := link.read_bytes()) >= size:
                    return content
            except OSError:
                continue
        time.sleep(0.05)


ACCOUNT_MAP = [{"table": "public.account", "to": "raw.accounts", "columns": {"mask": {"owner": {"hash": {"salt": "${secret:file:salt}"}}, "balance": {"truncate": 10}}}},
               {"table": "public.document", "columns": {"mask": {"body": {"partial": {"keep_first": 3}}}}},
               {"table": "public.event", "columns": {"exclude": ["payload"]}, "where": [{"column": "kind", "ne": "seen"}]},
               {"table": "public.reading*", "columns": {"mask": {"value": None}}}]


IN_THE_COPY = ["pipeline.tables_prepared", "replica.before_finish_commit", "lake.after_finish_tables"]
IN_THE_STREAM = ["replica.write", "lake.before_data_files", "source.before_spill_write"]


@pytest.mark.parametrize("name", IN_THE_COPY + IN_THE_STREAM)
def test_killed_under_load_it_goes_on_exactly(name, source, sluice):
    source.execute(MIXED_SCHEMA)
    stream_small_transactions(source)
    sluice.init(commit_interval="300ms")
    map_sinks(sluice, replica=ACCOUNT_MAP, lake=ACCOUNT_MAP)
    sluice.configure(lambda config: config["sources"]["source"].update(stream={"spill_after": "1MiB"}))
    if name in IN_THE_STREAM:
        sluice.sync()
    with MixedLoad(source, pause=0.05):
        if name == "source.before_spill_write":
            source.execute("INSERT INTO account SELECT 9000000 + i, repeat('x', 250), i, now() FROM generate_series(1, 80000) i")
        sluice.start(env={"SLUICE_FAILPOINTS": f"{name}=kill"})
        assert sluice.wait_exit(60) == -signal.SIGKILL
        sluice.start()
        sluice.wait_until()
    sluice.wait_until()
    assert all(table["result"] == "equal" for table in json.loads(sluice.command("verify", "--json").stdout)["tables"])
    sluice.stop()


def test_another_mapping_copies_the_table_again(source, replica, lake, sluice):
    source.execute(PLAYER)
    sluice.init()
    sluice.sync()
    assert replica.scalar(f"SELECT count(*) FROM player WHERE e_mail LIKE '{HIDDEN}%'") == 60
    mapping = [{"table": "public.player", "columns": COLUMNS}]
    map_sinks(sluice, replica=mapping, lake=mapping)
    source.execute("UPDATE player SET phone = '7' WHERE id = 7")
    said = sluice.sync().stderr
    assert "copied again" in said
    assert replica_players(replica, "public.player") == expected_players(source)
    assert lake_players(lake, source, ("public", "player")) == expected_players(source)
    assert "copied again" not in sluice.sync().stderr
    sluice.command("verify")


def test_what_stands_under_an_old_name_is_named(source, replica, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE other (id int PRIMARY KEY)")
    sluice.init()
    sluice.sync()
    map_sinks(sluice, replica=[{"table": "public.t", "to": "raw.t"}])
    said = [line for line in sluice.sync().stderr.splitlines() if "no longer followed" in line]
    assert said and "public.t" in said[0]
    assert replica.rows("SELECT id FROM raw.t") == replica.rows("SELECT id FROM public.t") == [(1,)]


def mistakes(sluice) -> dict:
    report = sluice.command("check", "--json", expect=FINDINGS).json()
    return {f["object"]: f["id"] for f in report["findings"] if f["id"].startswith("M") and f["severity"] == "fail"}


@pytest.mark.parametrize("mapping, found", [
    ([{"table": "public.playr", "columns": {"exclude": ["photo"]}}], {"public.playr": "M001"}),
    ([{"table": "public.player", "columns": {"mask": {"emial": None}}}], {"public.player.emial": "M002"}),
    ([{"table": "public.player", "to": "public.shot"}], {"public.shot": "M003"}),
    ([{"table": "public.player", "columns": {"mask": {"id": "redact"}}}], {"public.player.id": "M004"}),
    ([{"table": "public.player", "columns": {"mask": {"photo": {"partial": {"keep_last": 1}}}}}], {"public.player.photo": "M005"}),
    ([{"table": "public.player", "where": [{"column": "id", "gt": "many"}]}], {"public.player.id": "M006"}),
    ([{"table": "public.player", "where": [{"column": "country", "eq": "DE"}]}], {"public.player.country": "M007"}),
], ids=["table", "column", "name", "key", "mask", "value", "identity"])
def test_what_does_not_fit_is_refused_before_anything_is_written(mapping, found, source, replica, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, replica=mapping)
    assert mistakes(sluice) == found
    refused = sluice.command("run", "--until-caught-up", expect=CONFIG)
    assert f"SLU-12{next(iter(found.values()))[2:]}" in refused.stderr
    assert not replica.rows("SELECT 1 FROM pg_namespace WHERE nspname = 'sluice'")


def test_check_tells_what_becomes_of_a_table(source, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, lake=MAP)
    said = sluice.command("check", expect=None).stdout
    assert "becomes crm.players" in said and "e_mail hashed" in said and "without photo" in said and SALT not in said


def test_a_masked_column_that_is_renamed_on_the_source_is_held_back(source, replica, lake, sluice):
    source.execute(PLAYER)
    sluice.init()
    map_sinks(sluice, replica=MAP, lake=MAP)
    sluice.start()
    sluice.wait_until()
    source.execute("ALTER TABLE player RENAME note TO remark")
    source.execute(f"UPDATE player SET remark = '{HIDDEN} again' WHERE id = 3")
    assert sluice.wait_exit(60) == CONFIG
    assert "SLU-1202" in sluice.log_tail()
    assert HIDDEN not in sluice.log_tail()
    assert not replica.rows(f"SELECT 1 FROM crm.players WHERE note LIKE '{HIDDEN}%'")
    moved = json.loads(json.dumps(MAP))
    moved[0]["columns"]["mask"]["remark"] = moved[0]["columns"]["mask"].pop("note")
    map_sinks(sluice, replica=moved, lake=moved)
    sluice.sync()
    assert {row[0] for row in replica.rows("SELECT remark FROM crm.players")} == {"***"}
    sluice.command("verify")
