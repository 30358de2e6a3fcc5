"""The clients of the demo."""

import signal
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from s3gate.demo.certificates import Authority
from s3gate.demo.client import Answer, AwsCli, ClientMissingError, HeldSignals, find_awscli, put_fronted

TUNNEL = "listed.s3.eu-west-1.amazonaws.com"
HOST = "other.s3.eu-west-1.amazonaws.com"
BODY = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>s3gate: no\n(HOST_MISMATCH)</Message></Error>"


class Proxy(BaseHTTPRequestHandler):
    """A proxy that ends the tunnel itself and keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    context: ssl.SSLContext
    seen: list[str]

    def do_CONNECT(self) -> None:
        self.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.extend((self.path, self.headers["Host"], self.headers["Authorization"]))
        self.send_response(403)
        self.send_header("x-s3gate-reason", "HOST_MISMATCH")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    authority = Authority.make("CA")
    leaf = authority.issue([TUNNEL])
    (tmp_path / "leaf.pem").write_bytes(leaf.certificate + leaf.private_key)
    (tmp_path / "ca.pem").write_bytes(authority.pair.certificate)
    Proxy.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Proxy.context.load_cert_chain(tmp_path / "leaf.pem")
    Proxy.seen = []
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", tmp_path / "ca.pem", Proxy.seen
        server.shutdown()
        thread.join()


def test_the_fronted_request_names_one_host_outside_and_another_inside(
    proxy: tuple[str, Path, list[str]],
) -> None:
    url, ca, seen = proxy
    answer = put_fronted(url, ca, TUNNEL, HOST, "/k", b"body", ("AKIAIOSFODNN7EXAMPLE", "secret"))
    assert answer == Answer(403, "HOST_MISMATCH", "s3gate: no\n(HOST_MISMATCH)")
    connect, path, host, authorization = seen
    assert (connect, path, host) == (f"{TUNNEL}:443", "/k", HOST)
    assert "/eu-west-1/s3/aws4_request" in authorization
    assert "host" in authorization.partition("SignedHeaders=")[2]


def test_awscli_runs_in_its_directory_with_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "my.ini").write_text("[default]\nregion = eu-north-1\n")
    aws = AwsCli(tmp_path, {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"})
    done = aws.run("configure", "get", "region", config="my.ini")
    assert (done.command, done.exit_code, done.text) == (
        "export AWS_CONFIG_FILE=my.ini\naws configure get region",
        0,
        "eu-north-1",
    )
    refused = aws.run("s3", "nonsense")
    assert refused.exit_code != 0
    assert refused.command == "aws s3 nonsense"
    assert "presign" in refused.text


def test_without_awscli_the_text_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ClientMissingError, match=r"pip install 's3gate\[demo\]'"):
        find_awscli()


def test_held_signals_come_when_they_are_released() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: came.append(number))
    try:
        held = HeldSignals()
        signal.raise_signal(signal.SIGHUP)
        assert came == []
        held.release()
        assert came == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)
