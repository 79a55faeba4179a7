"""Between the program and its servers is a network that cuts, holds and loses; nothing gets lost or doubled, nothing hangs.

TCP's word is not enough: the proxy keeps connections open that carry nothing, as a firewall does that has forgotten them. The limit
that the program looks at a silent server after is keepalives_idle of the DSN: short here, so that tests need not wait.
"""

import os
import time

import pytest

from support.compare import Comparison
from support.lying_proxy import Fault, LyingProxy, commit, cut, freeze, lose_reply, message, stall, statement
from support.sluice import FAILED, FINDINGS, OK, UNAVAILABLE, Sluice
from support.tls import over_tcp, server_behind_tls

TABLES = """
CREATE TABLE account (id int PRIMARY KEY, owner text NOT NULL, balance numeric(12,2) NOT NULL);
CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, note text);
ALTER TABLE event REPLICA IDENTITY FULL;
INSERT INTO account SELECT i, 'owner ' || i, i * 1.25 FROM generate_series(1, 3000) i;
INSERT INTO event (note) SELECT 'start' FROM generate_series(1, 20);
"""
# Neither may be applied twice: of the second a repetition is seen in both destinations.
CHANGES = "UPDATE account SET balance = balance + 1 WHERE id % 7 = 0; INSERT INTO event (note) SELECT 'more' FROM generate_series(1, 5)"
ROWS_AS_THEY_ARE = "UPDATE account SET owner = repeat(md5(id::text), 200) WHERE id <= 300"

SILENCE = 1  # Seconds until a silent server is looked at.
NOTICED = 2 * SILENCE + 4

IN_SOAK = pytest.mark.skipif("SLUICE_SOAK" not in os.environ, reason="one more of its kind: make soak")


@pytest.fixture
def to_source(source):
    proxy = LyingProxy(source.server.folder)
    yield proxy
    proxy.close()


@pytest.fixture
def to_replica(replica):
    proxy = LyingProxy(replica.server.folder)
    yield proxy
    proxy.close()


@pytest.fixture
def follow(source, replica, sluice, to_source, to_replica):
    """Configures the program behind the proxies; with start, lets it copy and follow."""

    def begin(start=True):
        source.execute(TABLES)
        options = f"connect_timeout=2 keepalives_idle={SILENCE} sslmode=disable"
        sluice.init(commit_interval="300ms", source_dsn=to_source.dsn(source, options), replica_dsn=to_replica.dsn(replica, options))
        sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
        if start:
            sluice.start()
            sluice.wait_settled()
            sluice.wait_until()

    return begin


def settle(source, sluice, compare, timeout=60):
    source.execute(CHANGES)
    sluice.wait_until(timeout=timeout)
    sluice.stop()
    compare()


# ── the replica's link ──

@pytest.mark.parametrize("way, then", [pytest.param("pipeline", "reset", marks=IN_SOAK), ("pipeline", "freeze"), ("transaction", "cut"), ("transaction", "freeze")])
def test_the_reply_to_a_commit_is_lost(way, then, follow, source, sluice, to_replica, compare):
    follow()
    fault = to_replica.inflict(Fault("reply", commit() if way == "pipeline" else statement("COMMIT", "sluice apply"), lose_reply(then)))
    source.execute(CHANGES if way == "pipeline" else ROWS_AS_THEY_ARE + "; " + CHANGES)
    fault.wait()
    begun = time.monotonic()
    sluice.wait_until(timeout=NOTICED + 10)
    assert time.monotonic() - begun < NOTICED + 5
    settle(source, sluice, compare)


def test_the_old_session_still_commits_when_we_come_back(follow, source, replica, sluice, to_replica, compare):
    follow()
    replica.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.note = 'slow') EXECUTE FUNCTION slow();
        ALTER TABLE event ENABLE ALWAYS TRIGGER slow""")
    fault = to_replica.inflict(Fault("cut", commit(), cut(part=1)))
    source.execute("INSERT INTO event (note) VALUES ('slow')")
    fault.wait()
    sluice.wait_said("pipeline.retry")
    assert replica.scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == 1
    sluice.wait_until()
    settle(source, sluice, compare)


def test_a_transaction_of_a_session_that_the_replica_still_believes_in_is_not_in_the_way(follow, source, sluice, to_replica, compare):
    follow()
    fault = to_replica.inflict(Fault("cut", statement("COMMIT", "sluice apply"), cut(part=0, server_too=False)))
    source.execute(ROWS_AS_THEY_ARE)
    fault.wait()
    sluice.wait_until(timeout=NOTICED + 15)
    settle(source, sluice, compare)


def test_a_stall_in_a_commit_that_outlasts_all_patience(follow, source, sluice, to_replica, compare):
    follow()
    fault = to_replica.inflict(Fault("stall", commit(), stall(3 * SILENCE, part=0.5)))
    source.execute(CHANGES)
    fault.wait()
    sluice.wait_until(timeout=NOTICED + 10)
    settle(source, sluice, compare)


def test_a_server_that_works_long_is_waited_for(follow, source, replica, sluice, compare):
    follow()
    replica.execute(f"""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({4 * SILENCE}); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.note = 'slow') EXECUTE FUNCTION slow();
        ALTER TABLE event ENABLE ALWAYS TRIGGER slow""")
    session = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice apply'"
    before = replica.rows(session)
    source.execute("INSERT INTO event (note) VALUES ('slow')")
    sluice.wait_until()
    assert replica.rows(session) == before
    assert "given up" not in sluice.log.read_text()
    settle(source, sluice, compare)


@pytest.mark.parametrize("deed", [freeze(part=0.5), lose_reply()], ids=["frozen", "reply lost"])
def test_the_copy_into_the_replica_breaks(deed, follow, source, sluice, to_replica, compare, request):
    ends = request.node.callspec.id == "reply lost"
    fault = to_replica.inflict(Fault("copy", message("c" if ends else "d", to_server=True, application="sluice copy"), deed))
    follow(start=False)
    sluice.start()
    fault.wait()
    sluice.wait_settled()
    settle(source, sluice, compare)


# ── the source's link ──

@pytest.mark.parametrize("deed", [cut(reset=True), freeze(part=0.5)], ids=["reset", "frozen"])
def test_the_stream_breaks_in_the_middle_of_a_row(deed, follow, source, sluice, to_source, compare):
    follow()
    fault = to_source.inflict(Fault("row", message("d", to_server=False, application="sluice stream", size_min=6000), deed))
    source.execute(ROWS_AS_THEY_ARE)
    fault.wait()
    begun = time.monotonic()
    sluice.wait_until(timeout=NOTICED + 10)
    assert time.monotonic() - begun < NOTICED + 5
    settle(source, sluice, compare)


def test_a_stream_that_the_source_does_not_hear_from_ends_by_its_own_timeout(follow, source, sluice, to_source, compare):
    source.execute(f"ALTER DATABASE {source.name} SET wal_sender_timeout = '3s'")
    follow()
    fault = to_source.inflict(Fault("deaf", message("d", to_server=True, application="sluice stream"), freeze(directions="to_server")))
    fault.wait()
    sluice.wait_said("the replication stream broke off", timeout=15)
    settle(source, sluice, compare)


REQUESTS = {"slot": "CREATE_REPLICATION_SLOT", "stream": "START_REPLICATION", "publication": "CREATE PUBLICATION", "table": "ALTER PUBLICATION"}


@pytest.mark.parametrize("request_, then", [("slot", "freeze"), ("stream", "freeze"), ("publication", "cut"), ("table", "freeze")])
def test_the_reply_to_what_changes_the_source_is_lost(request_, then, follow, source, sluice, to_source, compare):
    fault = to_source.inflict(Fault("reply", statement(REQUESTS[request_]), lose_reply(then)))
    follow(start=False)
    sluice.start()
    fault.wait()
    sluice.wait_settled(timeout=NOTICED + 30)
    settle(source, sluice, compare)


def test_a_slot_whose_reply_was_lost_does_not_stop_the_next_start(follow, source, sluice, to_source, compare):
    fault = to_source.inflict(Fault("reply", statement("CREATE_REPLICATION_SLOT"), lose_reply("freeze")))
    follow(start=False)
    sluice.start()
    fault.wait()
    sluice.kill()
    sluice.start()
    sluice.wait_settled()
    settle(source, sluice, compare)


@pytest.mark.parametrize("position, deed", [pytest.param(0, cut(), marks=IN_SOAK), pytest.param(700, cut(), marks=IN_SOAK), (60_000, cut()), (5000, freeze())],
                         ids=["cut 0", "cut 700", "cut 60000", "frozen 5000"])
def test_a_connection_of_the_copy_breaks_at_a_byte(deed, position, follow, source, sluice, to_source, compare):
    def in_the_copy(unit):
        inside = not unit.to_server and unit.link.application == "sluice copy" and unit.offset <= position < unit.offset + len(unit.data)
        return position - unit.offset if inside else None

    fault = to_source.inflict(Fault("copy", in_the_copy, deed))
    follow(start=False)
    sluice.start()
    fault.wait()
    sluice.wait_settled()
    settle(source, sluice, compare)


def test_new_tables_join_after_the_session_that_looks_for_them_was_cut(follow, source, sluice, to_source, compare):
    follow()
    fault = to_source.inflict(Fault("catalog", statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "sluice"), cut()))
    fault.wait()
    stream = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice stream'"
    before = source.rows(stream)
    source.execute("CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1)")
    assert source.rows(stream) == before
    sluice.wait_table("public.late", state="streaming")
    settle(source, sluice, compare)


def test_heartbeats_go_on_after_a_reply_was_lost(follow, source, sluice, to_source, compare):
    follow(start=False)
    sluice.configure(lambda config: config["sources"]["source"].update(heartbeat={"every": "1s"}))
    fault = to_source.inflict(Fault("beat", statement("SELECT pg_logical_emit_message", "sluice heartbeat"), freeze()))
    sluice.start()
    fault.wait()
    again = to_source.inflict(Fault("next beat", statement("SELECT pg_logical_emit_message", "sluice heartbeat"), stall(0)))
    again.wait(NOTICED + 5)
    sluice.wait_settled()
    settle(source, sluice, compare)


# ── both ──

@pytest.mark.parametrize("segments", ["single", pytest.param("joined", marks=IN_SOAK)])
def test_messages_in_any_segments(segments, follow, source, sluice, to_source, to_replica, compare):
    to_source.segments = to_replica.segments = segments
    follow()
    settle(source, sluice, compare)


@pytest.mark.parametrize("welcome", ["silent", "refuse"])
def test_servers_that_are_not_there_for_a_while(welcome, follow, source, sluice, to_source, to_replica, compare):
    follow()
    for proxy in (to_source, to_replica):
        proxy.refuse() if welcome == "refuse" else setattr(proxy, "welcome", welcome)
        for link in list(proxy.links):
            link.cut(reset=link.number % 2 == 0)
    source.execute(CHANGES)
    sluice.wait_said("retrying 2/20")
    for proxy in (to_source, to_replica):
        proxy.open() if welcome == "refuse" else proxy.relent()
    settle(source, sluice, compare)


def test_a_stop_while_nothing_comes_through_ends_soon(follow, source, sluice, to_source, to_replica, compare):
    follow()
    source.execute(CHANGES)
    for proxy in (to_source, to_replica):
        proxy.welcome = "silent"
        for link in list(proxy.links):
            link.freeze("both")
    source.execute(CHANGES)
    begun = time.monotonic()
    sluice.terminate()
    assert sluice.wait_exit(60) in (0, UNAVAILABLE, 143)
    assert time.monotonic() - begun < 8 * NOTICED  # Several sessions, one after the other.
    for proxy in (to_source, to_replica):
        proxy.relent()
        for link in list(proxy.links):
            link.cut()
    sluice.sync()
    compare()


# ── commands ──

QUERY = "SELECT|WITH|BEGIN"


@pytest.mark.parametrize("command, query, deed", [
    pytest.param("check", QUERY, cut(), marks=IN_SOAK), ("check", QUERY, freeze()), ("verify", QUERY, freeze(directions="to_client")),
    pytest.param("verify", QUERY, cut(), marks=IN_SOAK), ("resync public.account", QUERY, freeze()),
    pytest.param("teardown --yes", QUERY, freeze(), marks=IN_SOAK), ("teardown --yes", "SELECT pg_drop_replication_slot", lose_reply()),
    ("teardown --yes", "DROP PUBLICATION", lose_reply("freeze"))],
    ids=["check, cut", "check, frozen", "verify, frozen to us", "verify, cut", "resync, frozen", "teardown, frozen", "dropped slot", "dropped publication"])
def test_a_command_whose_query_gets_lost_says_so_soon(command, query, deed, follow, source, sluice, to_source):
    follow(start=False)
    sluice.sync()
    by_the_running = command.startswith(("verify", "resync"))
    if by_the_running:
        sluice.start()
        sluice.wait_settled()
    links = len(to_source.links)
    fault = to_source.inflict(Fault("query", lambda unit: unit.says(query) and unit.link.number >= links, deed))
    begun = time.monotonic()
    result = sluice.command(*command.split(), expect=None, timeout=60)
    assert time.monotonic() - begun < NOTICED + 5
    fault.wait()
    # The running process tries again by itself, and check names what it could not ask for.
    assert result.code in {"check": (FINDINGS,), "resync": (OK,), "verify": (OK, UNAVAILABLE), "teardown": (UNAVAILABLE, OK)}[command.split()[0]], result
    assert result.code == OK or any(word in result.stdout + result.stderr for word in ("connection", "nothing came")), result
    sluice.command(*command.split(), timeout=40)
    if command.startswith("teardown"):
        assert source.slots() == [] and source.rows("SELECT FROM pg_publication") == []


# ── under TLS, where only bytes can be aimed at ──

@pytest.fixture
def source_behind_tls():
    server = server_behind_tls()
    database = server.new_database()
    database.execute("ALTER ROLE postgres PASSWORD 'secret'")
    proxy = LyingProxy(server.folder, tls_port=server.port)
    yield database, proxy
    proxy.close()
    server.remove()


def test_a_broken_tls_handshake_is_no_reason_to_give_up(source_behind_tls, replica, tmp_path, lake, request):
    source, proxy = source_behind_tls
    source.execute(TABLES)
    (tmp_path / "project").mkdir()
    sluice = request.node.sluice = Sluice(tmp_path / "project", source, replica, lake)
    sluice.init(source_dsn=over_tcp(source, "secret", port=proxy.port).replace("verify-full", "prefer"))
    fault = proxy.inflict(Fault("handshake", message("opaque", to_server=False), cut()))
    sluice.sync()
    fault.wait(0)
    Comparison(source, replica, lake)()


def test_a_stream_under_tls_breaks_anywhere(source_behind_tls, replica, tmp_path, lake, request):
    source, proxy = source_behind_tls
    source.execute(TABLES)
    (tmp_path / "project").mkdir()
    sluice = request.node.sluice = Sluice(tmp_path / "project", source, replica, lake)
    compare = Comparison(source, replica, lake)
    options = f"connect_timeout=3 keepalives_idle={SILENCE}"
    sluice.init(commit_interval="300ms", source_dsn=f"{over_tcp(source, 'secret', port=proxy.port)} {options}")
    proxy.segments = "pieces"
    try:
        sluice.start()
        sluice.wait_settled()
        for name, deed in (("cut", cut()), ("frozen to us", freeze(directions="to_client"))):
            # Nothing but the stream carries so much at once.
            fault = proxy.inflict(Fault(name, message("opaque", to_server=False, size_min=8000), deed))
            source.execute(ROWS_AS_THEY_ARE.replace("id::text", f"id || '{name}'") + "; " + CHANGES)
            fault.wait()
            sluice.wait_until(timeout=NOTICED + 15)
        sluice.command("verify")
        assert all(link.opaque for link in proxy.links if link.number > 0)
        settle(source, sluice, compare)
    finally:
        sluice.kill()
