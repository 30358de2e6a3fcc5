"""An HTTP service of a test's own, on a free port of loopback as long as its context lasts."""

import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers without the length, body."""


class LoopbackService:
    """What is served; use as a context manager. Whoever is still connected at its end is not waited for."""

    def post(self, path: str, headers: Message, body: bytes, /) -> Answer:
        """The answer to one POST; header names in any case."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        one = self

        class Handler(_Handler):
            service: LoopbackService = one

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    service: LoopbackService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        status, headers, body = self.service.post(self.path, self.headers, asked)
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing: pytest shows what matters."""
