"""Signed requests to a server of S3, as raw as they are: for what pyarrow's file system has no call for."""

import datetime
import hashlib
import hmac
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

KEY, SECRET, REGION = "sluicekey", "sluicesecret", "us-east-1"


def ask(endpoint: str, method: str, path: str, query: dict | None = None, body: bytes = b"") -> bytes:
    """The answer's body. Raises urllib.error.HTTPError where the server says no."""
    path = urllib.parse.quote(path)
    query = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote, safe="")
    time = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{REGION}/s3/aws4_request"
    headers = {"host": endpoint.removeprefix("http://"), "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": time}
    names = ";".join(headers)
    canonical = "\n".join([method, path, query, *(f"{name}:{value}" for name, value in headers.items()), "", names, headers["x-amz-content-sha256"]])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
    request = urllib.request.Request(f"{endpoint}{path}?{query}", data=body or None, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.read()


def texts(answer: bytes, name: str) -> list:
    """Of all elements of that name."""
    return [element.text for element in xml.etree.ElementTree.fromstring(answer).iter() if element.tag.rpartition("}")[2] == name]


def objects(endpoint: str, bucket: str, prefix: str = "") -> list:
    """Their keys; a thousand at most."""
    return texts(ask(endpoint, "GET", f"/{bucket}", {"list-type": "2", "prefix": prefix}), "Key")


def begin_upload(endpoint: str, path: str, part: bytes = b"part") -> str:
    """Begins to write an object, sends one part of it, and does no more. The upload's id."""
    upload = texts(ask(endpoint, "POST", path, {"uploads": ""}), "UploadId")[0]
    ask(endpoint, "PUT", path, {"partNumber": "1", "uploadId": upload}, part)
    return upload


def unfinished_uploads(endpoint: str, bucket: str) -> list:
    """The keys of objects that somebody began to write."""
    return texts(ask(endpoint, "GET", f"/{bucket}", {"uploads": ""}), "Key")
