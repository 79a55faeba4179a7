"""A server of S3 with real signatures: versitygw over a folder."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from support.deps import DEPS

SERVER = DEPS / "object-store/versitygw"
KEY, SECRET, REGION = "sluicekey", "sluicesecret", "us-east-1"


class S3Server:
    """Listens on the loopback address alone. A bucket is a folder of `data`."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-s3-"))
        self.data = self.folder / "data"
        for name in ("data", "iam", "facts"):
            (self.folder / name).mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process = None
        self.start()

    def start(self):
        command = ["setpriv", "--pdeathsig=KILL", SERVER, "--port", f"127.0.0.1:{self.port}", "--access", KEY, "--secret", SECRET, "--region", REGION, "--quiet", "--health", "/health",
                   "--iam-dir", self.folder / "iam", "posix", "--sidecar", self.folder / "facts", self.data]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}/health", timeout=1).close()
                return
            except (urllib.error.URLError, OSError):
                assert self._process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self):
        self._process.kill()
        self._process.wait()

    def bucket(self, name: str) -> str:
        """A new one, as URI."""
        (self.data / name).mkdir()
        return f"s3://{name}"

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def environment(self) -> dict:
        """As AWS's tools are told."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.endpoint}
