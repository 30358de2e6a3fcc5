"""A proxy that says one thing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_answer(answer: bytes) -> Iterator[str]:
    """A proxy that gives this answer to one CONNECT."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    asked += connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
