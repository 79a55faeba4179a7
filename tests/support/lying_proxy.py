"""A TCP proxy before a PostgreSQL server that does what networks do: cut, hold, lose, split and join, at a place that a test names.

No byte is altered. A Fault is aimed at a message, or at a byte where TLS hides the messages; Chaos draws the fate of each connection
from a seed and the connection's number. `counts` tells what was done, so that a test can insist that it was.
"""

import math
import pathlib
import random
import re
import socket
import struct
import threading
from collections import Counter

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
JOIN_SECONDS = 0.004


class Unit:
    """One message of the protocol, or some bytes that cannot be read. `kind`: its letter, "startup", "reply" or "opaque"."""

    def __init__(self, link, to_server: bool, kind: str, data: bytes, offset: int):
        self.link, self.to_server, self.kind, self.data, self.offset = link, to_server, kind, data, offset

    def says(self, pattern: str) -> bool:
        """Whether this is a statement (or its preparation) that begins like this."""
        if not self.to_server or self.kind not in ("Q", "P"):
            return False
        text = self.data[5:] if self.kind == "Q" else self.data[5:].partition(b"\0")[2]
        return re.match(pattern, text.decode(errors="replace"), re.IGNORECASE) is not None

    def commits(self) -> bool:
        """Whether it is COMMIT, or the end of a pipeline that moves the bookmark and is a transaction of its own."""
        return self.says("COMMIT") or (self.to_server and self.kind == "S" and self.link.moves_bookmark and not self.link.in_transaction)


class Fault:
    """`when(unit)`: how many bytes of the unit pass before it strikes, True for what the deed prefers; None or False: not here."""

    def __init__(self, name: str, when, deed, times: int = 1):
        self.name, self.when, self.deed, self.left = name, when, deed, times
        self.struck = threading.Event()

    def wait(self, timeout: float = 30):
        assert self.struck.wait(timeout), f"{self.name} never happened"


# ── deeds: what happens to a connection; each takes the pump, the unit and how many bytes pass before ──

def cut(part: float = 0.5, reset: bool = False, server_too: bool = True):
    """The end of the connection; with server_too=False the server is never told."""

    def deed(pump, unit, passing):
        pump.send(unit.data[: int(len(unit.data) * part) if passing is True else passing])
        pump.link.cut(reset, server_too)
        return False

    return deed


def freeze(part: float = 0.0, directions: str = "both"):
    """From here on nothing comes through, `to_server`, `to_client` or both, and nobody is told."""

    def deed(pump, unit, passing):
        if directions == "both" or (directions == "to_server") == unit.to_server:
            pump.send(unit.data[: int(len(unit.data) * part) if passing is True else passing])
        pump.link.freeze(directions)
        if not pump.frozen:
            pump.send(unit.data)
        return True

    return deed


def stall(seconds: float, part: float = 0.5):
    """This direction stands still for a while, then goes on as if nothing had been."""

    def deed(pump, unit, passing):
        passing = int(len(unit.data) * part) if passing is True else passing
        pump.send(unit.data[:passing])
        pump.link.ended.wait(seconds)
        pump.send(unit.data[passing:])
        return True

    return deed


def lose_reply(then: str = "cut"):
    """The request takes effect, the server's answer is taken away; then the connection is cut, reset or frozen."""

    def deed(pump, unit, _passing):
        pump.link.losing = then
        pump.send(unit.data)
        return True

    return deed


# ── aims ──

def at_byte(position: int, to_server: bool):
    def when(unit):
        inside = unit.to_server == to_server and unit.offset <= position < unit.offset + len(unit.data)
        return position - unit.offset if inside else None

    return when


def message(kind: str, to_server: bool, application: str | None = None, size_min: int = 0):
    def when(unit):
        return unit.to_server == to_server and unit.kind == kind and len(unit.data) >= size_min and application in (None, unit.link.application)

    return when


def statement(pattern: str, application: str | None = None):
    return lambda unit: unit.says(pattern) and application in (None, unit.link.application)


def commit(application: str = "sluice apply"):
    return lambda unit: unit.commits() and application in (None, unit.link.application)


class Link:
    """One connection through the proxy: two sockets, two pumps."""

    def __init__(self, proxy, number: int, client, server):
        self.proxy, self.number, self.client, self.server = proxy, number, client, server
        self.application, self.in_transaction, self.losing = None, False, None
        self.opaque = self.expects_reply = self.moves_bookmark = False
        self._bookmark_statements = set()
        self.fate = proxy.chaos.fate(number) if proxy.chaos else None
        self.segments = proxy.segments if self.fate is None else self.fate.segments
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self.pumps = [Pump(self, client, server, to_server=True), Pump(self, server, client, to_server=False)]

    def start(self):
        for pump in self.pumps:
            threading.Thread(target=pump.run, daemon=True).start()

    def learn_statement(self, unit: Unit):
        """Which prepared statements move the bookmark, and whether one is in this pipeline."""
        if unit.kind == "P":
            name, _, text = unit.data[5:].partition(b"\0")
            change = self._bookmark_statements.add if b"UPDATE sluice.bookmark" in text else self._bookmark_statements.discard
            change(name)
        elif unit.kind == "B":
            self.moves_bookmark |= unit.data[5:].split(b"\0", 2)[1] in self._bookmark_statements

    def freeze(self, directions: str):
        for pump in self.pumps:
            pump.frozen |= directions == "both" or pump.to_server == (directions == "to_server")

    def cut(self, reset: bool = False, server_too: bool = True):
        with self._lock:
            if self.ended.is_set():
                return
            if not server_too:
                self.proxy.kept.append(self.server)
            self.ended.set()
        if reset:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (self.client, self.server) if server_too else (self.client,):
            if not (reset and end is self.client):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            end.close()


class Pump:
    """One direction of a link."""

    def __init__(self, link: Link, source, target, to_server: bool):
        self.link, self.to_server, self.frozen = link, to_server, False
        self._source, self._target = source, target
        self._buffer, self._started, self._offset = b"", not to_server, 0
        self._random = random.Random(f"{link.proxy.seed}/{link.number}/{to_server}")

    def run(self):
        try:
            while (data := self._read()) and self._pass_on(data):
                pass
        except OSError:
            pass
        while self.frozen and not self.link.ended.wait(0.05):
            pass
        self.link.cut()

    def _read(self) -> bytes:
        self._source.settimeout(0.2)
        while not self.link.ended.is_set() and not self.frozen:
            try:
                data = self._source.recv(65536)
            except TimeoutError:
                continue
            if self.link.segments == "joined" and data:
                self._source.settimeout(JOIN_SECONDS)
                try:
                    data += self._source.recv(1 << 20)
                except TimeoutError:
                    pass
                self._source.settimeout(0.2)
            return b"" if self.frozen else data
        return b""

    def send(self, data: bytes):
        """Waits as long as the other side does not read, unless the link is cut meanwhile."""
        size = {"single": 1, "pieces": self._random.randint(1, 2000)}.get(self.link.segments, len(data) or 1)
        for at in range(0, len(data), size):
            rest = data[at:at + size]
            while rest and not self.link.ended.is_set():
                try:
                    self._target.settimeout(0.2)
                    rest = rest[self._target.send(rest):]
                except TimeoutError:
                    continue

    def _pass_on(self, data: bytes) -> bool:
        """False: the link is cut."""
        clean = b""
        for unit in self._units(data):
            self._learn(unit)
            fault, passing = (None, None) if self.link.losing and not self.to_server else self.link.proxy.strikes(unit)
            if fault is not None:
                self.send(clean)
                clean = b""
                if not fault.deed(self, unit, passing):
                    return False
                if self.frozen:
                    return True
            elif self.link.losing and not self.to_server:
                if not self._swallow(unit):
                    return False
            else:
                clean += unit.data
        self.send(clean)
        return True

    def _swallow(self, unit: Unit) -> bool:
        """Takes an answer away up to its end: ready for the next, or a stream that begins."""
        if unit.kind not in ("Z", "W"):
            return True
        then, self.link.losing = self.link.losing, None
        if then == "freeze":
            self.link.freeze("both")
            return True
        self.link.cut(reset=then == "reset")
        return False

    def _learn(self, unit: Unit):
        if unit.kind == "Z" and not unit.to_server:
            self.link.in_transaction = unit.data[5:6] != b"I"
            self.link.moves_bookmark = False
        if unit.to_server:
            self.link.learn_statement(unit)
        if unit.kind == "startup":
            words = unit.data[8:].split(b"\0")
            names = dict(zip(words[::2], words[1::2]))
            self.link.application = names.get(b"application_name", b"").decode()

    def _units(self, data: bytes):
        """The complete messages; a begun one waits for its rest."""
        self._buffer += data
        while self._buffer:
            if (taken := self._next_unit()) is None:
                return
            kind, size = taken
            unit = Unit(self.link, self.to_server, kind, self._buffer[:size], self._offset)
            self._buffer = self._buffer[size:]
            self._offset += size
            yield unit

    def _next_unit(self):
        if self.link.opaque:
            return "opaque", len(self._buffer)
        if not self.to_server and self.link.expects_reply:
            self.link.expects_reply = False
            self.link.opaque = self._buffer[:1] in (b"S", b"G")
            return "reply", 1
        header = 1 if self._started else 0
        if len(self._buffer) < header + 4:
            return None
        size = header + struct.unpack_from("!I", self._buffer, header)[0]
        if len(self._buffer) < size:
            return None
        if self._started:
            return chr(self._buffer[0]), size
        code = struct.unpack_from("!I", self._buffer, 4)[0]
        if code in (SSL_REQUEST, GSS_REQUEST):
            self.link.expects_reply = True
            return "request", size
        self._started = code != CANCEL_REQUEST
        return "startup" if self._started else "cancel", size


class LyingProxy:
    """Listens on a port of 127.0.0.1 and connects to the socket in `folder`, or to `tls_port`: a Unix socket knows no TLS."""

    def __init__(self, folder: pathlib.Path, tls_port: int | None = None, chaos=None, seed=0):
        self._upstream = ("127.0.0.1", tls_port) if tls_port else f"{folder}/.s.PGSQL.5432"
        self.chaos, self.seed = chaos, chaos.seed if chaos else seed
        self.segments = "as they come"  # single, pieces, joined
        self.welcome = "serve"          # silent: accepts and never answers; slam: accepts and closes
        self.counts, self.links, self.kept = Counter(), [], []
        self._faults, self._lock = [], threading.Lock()
        # It never listens, so that the port stays ours and connections are refused while nobody does.
        self._placeholder = self._bound(0)
        self.port = self._placeholder.getsockname()[1]
        self._listener = None
        self.open()

    def _bound(self, port: int):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def dsn(self, database, options: str = "") -> str:
        return f"host=127.0.0.1 port={self.port} dbname={database.name} user=postgres {options}"

    def open(self):
        self._listener = self._bound(self.port)
        self._listener.listen(100)
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def refuse(self):
        """Until open()."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def inflict(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def relent(self):
        """No more faults. What hangs, hangs on: nobody tells the program."""
        with self._lock:
            self._faults.clear()
        self.chaos, self.segments, self.welcome = None, "as they come", "serve"

    def close(self):
        self.refuse()
        self._placeholder.close()
        for link in self.links:
            link.cut()
        for end in self.kept:
            end.close()

    def strikes(self, unit: Unit):
        """The fault whose turn it is at this unit, and how many bytes of it pass before."""
        with self._lock:
            own = [unit.link.fate] if self.chaos and unit.link.fate is not None else []
            for fault in self._faults + own:
                passing = fault.when(unit) if fault.left > 0 else None
                if passing is None or passing is False:
                    continue
                fault.left -= 1
                self.counts[fault.name] += 1
                fault.struck.set()
                return fault, passing
        return None, None

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = len(self.links)
            welcome = self.chaos.welcome(number) if self.chaos else self.welcome
            server = socket.socket(socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET)
            link = Link(self, number, client, server)
            self.links.append(link)
            self.counts[welcome] += 1
            if welcome == "silent":
                link.freeze("both")
            elif welcome == "slam" or not self._connect(server):
                link.cut(reset=number % 2 == 0)
                continue
            link.start()

    def _connect(self, server) -> bool:
        try:
            server.connect(self._upstream)
            return True
        except OSError:  # A server that restarts.
            server.close()
            return False


class Fate(Fault):
    segments = "as they come"


class Chaos:
    """What becomes of connection number n, from a seed. Half of them are left alone, so that something gets done."""

    def __init__(self, seed):
        self.seed = seed

    def _random(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{number}/{what}")

    def welcome(self, number: int) -> str:
        return self._random(number, "welcome").choices(("serve", "slam", "silent"), (94, 4, 2))[0]

    def fate(self, number: int) -> Fate:
        draw = self._random(number, "fate")
        position, to_server, kth = int(math.exp(draw.uniform(math.log(200), math.log(100_000)))), draw.random() < 0.4, draw.randint(1, 40)
        name, deed = draw.choice([
            ("cut", cut()), ("cut", cut()), ("reset", cut(reset=True)), ("cut, server not told", cut(server_too=False)),
            ("frozen", freeze()), ("frozen to server", freeze(directions="to_server")), ("frozen to client", freeze(directions="to_client")),
            ("stalled", stall(draw.uniform(0.2, 3))), ("stalled", stall(draw.uniform(0.2, 3))),
            ("reply lost", lose_reply()), ("reply lost", lose_reply("reset")), ("reply lost, frozen", lose_reply("freeze"))])
        when = at_byte(position, to_server)
        if name.startswith("reply lost"):
            seen = Counter()

            def when(unit):
                seen[unit.to_server and unit.kind in "QS"] += 1
                return unit.to_server and unit.kind in "QS" and seen[True] == kth

        fate = Fate(name, when, deed, times=draw.choice((0, 1)))
        fate.segments = draw.choices(("as they come", "pieces", "joined", "single"), (60, 25, 10, 5))[0]
        return fate
