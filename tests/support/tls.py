"""A server behind TLS and a password; nothing else gets in over TCP."""

import shutil
import socket
import subprocess

from support.postgres import Database, PostgresServer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"], check=True, capture_output=True)


def server_behind_tls() -> PostgresServer:
    """Its certificate is server.crt in its folder; stranger.crt is another one. `port`: where it listens."""
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
    return server


def over_tcp(database: Database, password: str, certificate="server", port: int | None = None) -> str:
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    return (f"host=localhost port={port or database.server.port} dbname={database.name} user=postgres password='{quoted}' "
            f"sslmode=verify-full sslrootcert={database.server.folder}/{certificate}.crt")
