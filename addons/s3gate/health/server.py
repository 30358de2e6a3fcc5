"""A small HTTP server beside the gate: `/livez`, `/readyz`, and on the admin address `/metrics`.

It runs in threads of its own, so that a busy gate still answers, and knows only
functions that give an answer. It never touches the data path.

A load balancer that introduces clients by the PROXY protocol does so on its health checks
too (Elastic Load Balancing User Guide, Network Load Balancers, target groups, "Proxy
protocol"). Such a header is skipped, whoever sent it: nothing here depends on who asks.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from threading import Thread
from typing import Final, NamedTuple, override

# A health check sends a short request at once; whoever is slower is cut off.
REQUEST_TIMEOUT_S: Final = 5.0
# Seconds between looks at the stop flag of the server's loop; also the longest wait at the end.
POLL_S: Final = 0.1
# "The PROXY protocol, versions 1 & 2", haproxy.org, section 2.2: signature, two bytes, length.
PROXY_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
PROXY_FIXED_BYTES: Final = 16
PROXY_MAX_BYTES: Final = 1024  # behind the fixed part; a network load balancer sends under 120


class Page(NamedTuple):
    """One answer: HTTP status, content type, body."""

    status: int
    content_type: str
    body: bytes


Route = Callable[[], Page]
# Told the path, the address that asked, and the status that it was given.
Watch = Callable[[str, str, int], None]


class HealthServer:
    """Serves a fixed set of pages until it is closed.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        routes: path → function that makes its page.
        watch: told of each answer.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(
        self, host: str, port: int, routes: Mapping[str, Route], watch: Watch = lambda *_: None
    ) -> None:
        self._server = _Server((host, port), routes, watch)
        self._thread = Thread(
            target=self._server.serve_forever, args=(POLL_S,), name=f"health-{port}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening; answers under way may end with their threads."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(REQUEST_TIMEOUT_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], routes: Mapping[str, Route], watch: Watch) -> None:
        self.routes, self.watch = routes, watch
        super().__init__(address, _Handler)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server_version = "s3gate"
    sys_version = ""
    timeout = REQUEST_TIMEOUT_S
    server: _Server

    @override
    def handle(self) -> None:
        """Skip a PROXY header, then answer; what only begins like one is not answered."""
        with suppress(OSError):
            if self._skip_introduction():
                super().handle()

    def _skip_introduction(self) -> bool:
        """Whether a request may follow."""
        if not isinstance(self.rfile, BufferedReader) or self.rfile.peek(1)[:1] != PROXY_SIGNATURE[:1]:
            return True
        fixed = self.rfile.read(PROXY_FIXED_BYTES)
        if len(fixed) < PROXY_FIXED_BYTES or not fixed.startswith(PROXY_SIGNATURE):
            return False
        length = int.from_bytes(fixed[-2:])
        return length <= PROXY_MAX_BYTES and len(self.rfile.read(length)) == length

    def do_GET(self) -> None:
        """Answer with the page of the path, or 404."""
        path = self.path.partition("?")[0]
        route = self.server.routes.get(path)
        page = route() if route else Page(404, "text/plain; charset=utf-8", b"not found\n")
        self.server.watch(path, str(self.client_address[0]), page.status)
        self.send_response(page.status)
        self.send_header("content-type", page.content_type)
        self.send_header("content-length", str(len(page.body)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(page.body)

    do_HEAD = do_GET  # noqa: N815 - the standard library names its handlers so

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Health checks come every few seconds; they are not logged."""
