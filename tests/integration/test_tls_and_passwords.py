"""Connections are encrypted and checked where asked, and a password is known to its file alone."""

import pytest

from support.sluice import OK
from support.tls import over_tcp, server_behind_tls

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"
PASSWORD = "pa ss'w\\ord%"


@pytest.fixture
def source():
    """A database behind TLS and a password; nothing else gets in over TCP."""
    server = server_behind_tls()
    database = server.new_database()
    quoted = PASSWORD.replace("'", "''")
    database.execute(f"SET standard_conforming_strings = on; ALTER ROLE postgres PASSWORD '{quoted}'")
    database.execute(TABLE)
    yield database
    server.remove()


def test_the_source_is_read_over_tls_with_a_password_kept_apart(source, sluice, compare):
    said = sluice.init(source_dsn=over_tcp(source, PASSWORD))
    assert PASSWORD not in said.stdout + said.stderr + sluice.config_file.read_text()
    sluice.start()
    sluice.wait_until()
    source.execute("UPDATE t SET v = 'w' WHERE id < 10")
    sluice.wait_until()
    encrypted = source.rows("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'sluice%'")
    assert encrypted == [(True,)]
    sluice.stop()
    compare()
    assert PASSWORD not in sluice.log.read_text(errors="replace")


@pytest.mark.parametrize("certificate, password", [("stranger", PASSWORD), ("server", "guess")], ids=["another certificate", "another password"])
def test_a_wrong_certificate_or_password_is_refused(certificate, password, source, sluice):
    result = sluice.command("init", "--from", over_tcp(source, password, certificate), "--to", sluice.replica.dsn(), "--lake", sluice.lake, expect=None)
    assert result.code not in (OK, 1, 134, 139), result
    assert password not in result.stdout + result.stderr
    assert "certificate" in result.stderr or "password" in result.stderr
