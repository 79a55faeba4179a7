"""Connections are encrypted and checked where asked, and a password is known to its file alone."""

import shutil
import socket
import subprocess

import pytest

from support.postgres import PostgresServer
from support.sluice import OK

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"
PASSWORD = "pa ss'w\\ord%"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"], check=True, capture_output=True)


@pytest.fixture
def source():
    """A database behind TLS and a password; nothing else gets in over TCP."""
    server = PostgresServer()
    make_certificate(server.folder, "server")
    make_certificate(server.folder, "stranger")
    key = server.folder / "server.key"
    key.chmod(0o600)
    owner = server.data.stat()
    shutil.chown(key, owner.st_uid, owner.st_gid)
    server.port = free_port()
    with open(server.folder / "extra.conf", "a", encoding="ascii") as settings:
        settings.write(f"listen_addresses = '127.0.0.1'\nport = {server.port}\nssl = on\nssl_cert_file = '{server.folder}/server.crt'\nssl_key_file = '{key}'\n")
    (server.data / "pg_hba.conf").write_text("local all all trust\nhostssl all all all scram-sha-256\n")
    server.dsn = lambda database, user="postgres": f"host={server.folder} port={server.port} dbname={database} user={user}"
    server.restart()
    database = server.new_database()
    quoted = PASSWORD.replace("'", "''")
    database.execute(f"SET standard_conforming_strings = on; ALTER ROLE postgres PASSWORD '{quoted}'")
    database.execute(TABLE)
    yield database
    server.remove()


def over_tcp(source, certificate="server", password=PASSWORD) -> str:
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    return (f"host=localhost port={source.server.port} dbname={source.name} user=postgres password='{quoted}' "
            f"sslmode=verify-full sslrootcert={source.server.folder}/{certificate}.crt")


def test_the_source_is_read_over_tls_with_a_password_kept_apart(source, sluice, compare):
    said = sluice.init(source_dsn=over_tcp(source))
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
    result = sluice.command("init", "--from", over_tcp(source, certificate, password), "--to", sluice.replica.dsn(), "--lake", sluice.lake, expect=None)
    assert result.code not in (OK, 1, 134, 139), result
    assert password not in result.stdout + result.stderr
    assert "certificate" in result.stderr or "password" in result.stderr
