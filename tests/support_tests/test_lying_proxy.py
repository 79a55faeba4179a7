"""The proxy itself: it forwards exactly, each fault does what it says, and a seed draws the same fates again."""

import hashlib
import socket
import struct
import threading
import time

import psycopg
import pytest

from support.lying_proxy import SSL_REQUEST, Chaos, Fault, LyingProxy, at_byte, commit, cut, freeze, lose_reply, message, stall, statement

BIG = "SELECT string_agg(md5(i::text), '') FROM generate_series(1, 6000) i"


@pytest.fixture
def proxy(source):
    made = LyingProxy(source.server.folder)
    yield made
    made.close()


def connect(proxy, source, options="connect_timeout=3"):
    return psycopg.connect(proxy.dsn(source, options), autocommit=True)


@pytest.mark.parametrize("segments", ["as they come", "single", "pieces", "joined"])
def test_without_a_fault_everything_arrives_as_it_was_sent(segments, proxy, source):
    proxy.segments = segments
    expected = source.scalar(BIG)
    with connect(proxy, source, "application_name=reader") as connection:
        assert connection.execute(BIG).fetchone()[0] == expected
        connection.execute("CREATE TABLE t (v text)")
        with connection.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write(expected + "\n")
        assert proxy.links[0].application == "reader"
    assert source.scalar("SELECT md5(v) FROM t") == hashlib.md5(expected.encode()).hexdigest()
    assert dict(proxy.counts) == {"serve": 1}


@pytest.mark.parametrize("reset", [False, True])
def test_cut_in_the_middle_of_a_message(reset, proxy, source):
    fault = proxy.inflict(Fault("cut", message("D", to_server=False, size_min=100_000), cut(reset=reset)))
    connection = connect(proxy, source)
    with pytest.raises(psycopg.OperationalError):
        connection.execute(BIG)
    fault.wait(0)
    assert connect(proxy, source).execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("reset", [False, True])
def test_an_end_by_fin_or_by_rst(reset, proxy):
    proxy.inflict(Fault("cut", at_byte(0, to_server=True), cut(part=0, reset=reset)))
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as raw:
        raw.sendall(struct.pack("!II", 8, SSL_REQUEST))
        if not reset:
            assert raw.recv(1) == b""
            return
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_cut_at_a_byte(proxy, source):
    proxy.inflict(Fault("cut", at_byte(1000, to_server=False), cut()))
    connection = connect(proxy, source)
    with pytest.raises(psycopg.OperationalError):
        connection.execute(BIG)
    assert proxy.counts["cut"] == 1


def test_a_lost_reply_to_a_request_that_took_effect(proxy, source):
    source.execute("CREATE TABLE t (id int)")
    proxy.inflict(Fault("reply", commit(application="w"), lose_reply()))
    connection = connect(proxy, source, "application_name=w")
    connection.autocommit = False
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(psycopg.OperationalError):
        connection.commit()
    assert proxy.counts["reply"] == 1
    assert source.scalar("SELECT count(*) FROM t") == 1


def test_a_server_that_is_not_told_keeps_its_session(proxy, source):
    proxy.inflict(Fault("cut", statement("SELECT 2"), cut(part=0, server_too=False)))
    connection = connect(proxy, source, "application_name=orphan")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 2")
    assert source.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orphan'") == 1


@pytest.mark.parametrize("directions", ["both", "to_server", "to_client"])
def test_a_frozen_connection_stays_open_and_silent(directions, proxy, source):
    source.execute("CREATE TABLE t (id int)")
    proxy.inflict(Fault("freeze", statement("INSERT"), freeze(directions=directions)))
    connection = connect(proxy, source)
    ended = threading.Event()

    def insert():
        try:
            connection.execute("INSERT INTO t VALUES (1)")
        except psycopg.OperationalError:
            ended.set()

    threading.Thread(target=insert, daemon=True).start()
    assert not ended.wait(0.7)
    assert source.scalar("SELECT count(*) FROM t") == (1 if directions == "to_client" else 0)
    proxy.links[0].cut()
    assert ended.wait(5)


def test_a_stall_ends(proxy, source):
    proxy.inflict(Fault("stall", statement("SELECT 3"), stall(0.6)))
    connection = connect(proxy, source)
    begun = time.monotonic()
    assert connection.execute("SELECT 3").fetchone() == (3,)
    assert time.monotonic() - begun > 0.55


@pytest.mark.parametrize("welcome", ["silent", "slam", "refuse"])
def test_who_asks_is_not_served(welcome, proxy, source):
    if welcome == "refuse":
        proxy.refuse()
    else:
        proxy.welcome = welcome
    with pytest.raises(psycopg.OperationalError):
        connect(proxy, source, "connect_timeout=2")
    proxy.relent()
    if welcome == "refuse":
        proxy.open()
    assert connect(proxy, source).execute("SELECT 1").fetchone() == (1,)


def test_a_seed_draws_the_same_fates_again():
    def drawn(seed):
        chaos = Chaos(seed)
        return [(chaos.welcome(n), chaos.fate(n).name, chaos.fate(n).segments) for n in range(200)]

    assert drawn(7) == drawn(7) != drawn(8)
    assert len({name for _, name, _ in drawn(7)}) >= 8
