"""A local HTTP server that misbehaves as told: each request takes the next behaviour of a list."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Serves ``files`` by path; ``script`` says how the next requests are answered, then all goes right."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.script: list[Behaviour] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self.guard = threading.Lock()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client hangs up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        with self.server.guard:
            self.server.asked.append((self.path, dict(self.headers)))
            behaviour = self.server.script.pop(0) if self.server.script else right
        behaviour(self)

    def body(self) -> bytes | None:
        return self.server.files.get(self.path)

    def begin(self, status: int, headers: dict[str, str], *, tag: bool = True) -> None:
        self.send_response(status)
        known = self.server.tags.get(self.path, '"v1"')
        for name, value in (({"ETag": known} if tag else {}) | headers | {"Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True

    def start_of_range(self) -> int:
        """First byte asked for; 0 where nothing, or another version of the file, is asked for."""
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range") == self.server.tags.get(self.path, '"v1"')
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and same else 0

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def right(handler: Handler) -> None:
    """Answer as a good server does, ranges too."""
    body = handler.body()
    if body is None:
        status(404)(handler)
        return
    first = handler.start_of_range()
    if first >= len(body) > 0 and first:
        handler.begin(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
        return
    headers = {"Content-Length": str(len(body) - first)}
    if first:
        headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
    handler.begin(206 if first else 200, headers)
    handler.wfile.write(body[first:])


def status(code: int, **headers: str) -> Behaviour:
    """Answer with a status and no file."""
    return lambda h: h.begin(
        code, {k.replace("_", "-"): v for k, v in headers.items()} | {"Content-Length": "0"}, tag=False
    )


def cut(count: int) -> Behaviour:
    """Send some bytes of what was asked for, then hang up."""

    def behave(handler: Handler) -> None:
        body, first = handler.body() or b"", handler.start_of_range()
        headers = {"Content-Length": str(len(body) - first)}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        handler.begin(206 if first else 200, headers)
        handler.wfile.write(body[first : first + count])

    return behave


def stall(count: int) -> Behaviour:
    """Send some bytes, then nothing more until the test ends."""

    def behave(handler: Handler) -> None:
        cut(count)(handler)
        handler.wfile.flush()
        handler.server.released.wait(20)

    return behave


def corrupt(handler: Handler) -> None:
    """Send the right number of wrong bytes behind a right start."""
    body = handler.body() or b""
    handler.begin(200, {"Content-Length": str(len(body))})
    handler.wfile.write(body[:64] + bytes(b ^ 0xFF for b in body[64:]))


def without_range(handler: Handler) -> None:
    """Send the whole file whatever was asked for."""
    body = handler.body() or b""
    handler.begin(200, {"Content-Length": str(len(body))})
    handler.wfile.write(body)


def redirect(location: str, code: int = 302) -> Behaviour:
    """Lead elsewhere."""
    return status(code, Location=location)


def encoded(packed: bytes, *, tag: bool = True) -> Behaviour:
    """Send a body in gzip transfer encoding."""

    def behave(handler: Handler) -> None:
        handler.begin(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, tag=tag)
        handler.wfile.write(packed)

    return behave


def claims(length: int) -> Behaviour:
    """Send the whole file under a wrong Content-Length."""

    def behave(handler: Handler) -> None:
        handler.begin(200, {"Content-Length": str(length)}, tag=False)
        handler.wfile.write(handler.body() or b"")

    return behave


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free loopback port while the block runs."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
