"""An HTTP proxy before an object store that does what stores do on a bad day: slow down, fail, lose replies, say nothing."""

import http.client
import http.server
import random
import socket
import threading
import time
from collections import Counter

NO_ROUTE = b'{"error": {"message": "No route for request", "type": "NotFoundException", "code": 404}}'
SILENT_SECONDS = 60

# What becomes of a request.
PASS, THROTTLED, FAILS, DENIED, NOT_OFFERED, LOST_REPLY, LOST_REQUEST, SILENT, MISSING = (
    "pass", "throttled", "fails", "denied", "not offered", "lost reply", "lost request", "silent", "missing")
REFUSALS = {THROTTLED: (503, "SlowDown"), FAILS: (500, "InternalError"), DENIED: (403, "AccessDenied"), NOT_OFFERED: (501, "NotImplemented")}


class StoreProxy:
    """Listens on the loopback address before `port`. `fate(method, path)` says what becomes of each request; `counts` what did, `replies` what the store said.
    `edit(path, content)` may change what it says."""

    def __init__(self, port: int, fate, edit=None):
        self.edit = edit
        self.fate, self.counts, self._store_port = fate, Counter(), port
        self.replies = Counter()  # By method and status.
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

            def _request(self):
                chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
                body = self._read_chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fate = proxy.fate(self.command, self.path)
                proxy.counts[fate, self.command] += 1
                if fate == SILENT:
                    time.sleep(SILENT_SECONDS)
                if fate in (SILENT, LOST_REQUEST):
                    return self._cut()
                if fate in REFUSALS:
                    status, code = REFUSALS[fate]
                    return self._answer(status, [("Content-Type", "application/xml")], f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>Not now.</Message></Error>'.encode())
                if fate == MISSING:
                    return self._answer(404, [("Content-Type", "application/json")], NO_ROUTE)
                store = http.client.HTTPConnection("127.0.0.1", proxy._store_port, timeout=60)
                store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect", "accept-encoding" if proxy.edit else ""):
                        store.putheader(name, value)
                store.endheaders([body] if chunked else body or None, encode_chunked=chunked)
                reply = store.getresponse()
                content = reply.read()
                proxy.replies[self.command, reply.status] += 1
                if fate == LOST_REPLY:
                    return self._cut()
                self._answer(reply.status, reply.getheaders(), proxy.edit(self.path, content) if proxy.edit else content)

            def _read_chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _answer(self, status, headers, content):
                self.send_response_only(status)
                length = str(len(content))
                for name, value in headers:
                    if name.lower() == "content-length" and self.command == "HEAD":
                        length = value
                    elif name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def _cut(self):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _request

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def sometimes(share: float, fates, seed: int):
    """One request in 1 / share meets one of the fates."""
    chosen = random.Random(seed)

    def fate(_method, _path):
        return chosen.choice(fates) if chosen.random() < share else PASS

    return fate
