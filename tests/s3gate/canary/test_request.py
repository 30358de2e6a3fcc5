"""The canary against proxies that refuse, that let it through, and that do not answer."""

import re
import socket
import threading
from pathlib import Path

import pytest

from one_answer import one_answer
from s3gate.canary.request import GateSilent, NotRefused, make_host, send_canary
from s3gate.demo.certificates import Authority

HOST = "s3gate-canary-0.s3.eu-west-1.amazonaws.com"
DENIED = b"x-s3gate-decision: deny\r\nx-s3gate-reason: REGION_NOT_ALLOWED\r\n"


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(Authority.make("a CA").pair.certificate)
    return path


def test_a_refused_connect_is_a_refusal(ca: Path) -> None:
    head = b"HTTP/1.1 403 Forbidden\r\n" + DENIED + b"x-amz-request-id: 01J\r\ncontent-length: 0\r\n\r\n"
    with one_answer(head) as url:
        refusal = send_canary(url, ca, HOST)
    assert (refusal.host, refusal.decision_id, refusal.reason) == (HOST, "01J", "REGION_NOT_ALLOWED")
    assert refusal.sent <= refusal.time


@pytest.mark.parametrize("identifier", [b"", b'x"y', b"a b", b"x" * 65])
def test_an_id_that_no_gate_makes_is_searched_for_nowhere(ca: Path, identifier: bytes) -> None:
    head = b"HTTP/1.1 403 Forbidden\r\n" + DENIED + b"x-amz-request-id: " + identifier + b"\r\n\r\n"
    with one_answer(head) as url, pytest.raises(NotRefused):
        send_canary(url, ca, HOST)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(
            b"HTTP/1.1 403 Forbidden\r\n\r\n", "Tunnel connection failed: 403 Forbidden", id="another proxy"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nno TLS", "", id="no TLS behind it"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_what_is_no_gate_is_silence(ca: Path, answer: bytes, why: str) -> None:
    with (
        one_answer(answer) as url,
        pytest.raises(GateSilent, match="could not be asked: .*" + re.escape(why)),
    ):
        send_canary(url, ca, HOST)


def test_nobody_there(ca: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(GateSilent, match="Connection refused"):
        send_canary(url, ca, HOST)


def test_no_ca_file(tmp_path: Path) -> None:
    with pytest.raises(GateSilent, match="No such file"):
        send_canary("http://127.0.0.1:1", tmp_path / "none.pem", HOST)


def test_the_bucket_is_another_each_time() -> None:
    hosts = {make_host("cn-north-1", "amazonaws.com.cn") for _ in range(10)}
    assert len(hosts) == 10
    assert all(
        re.fullmatch(r"s3gate-canary-[0-9a-f]{16}\.s3\.cn-north-1\.amazonaws\.com\.cn", one) for one in hosts
    )


def test_user_and_password_go_to_the_proxy_and_into_no_error(ca: Path) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65_536))

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://us%40er:pass%3Aword@127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(GateSilent) as caught:
            send_canary(url, ca, HOST)
        thread.join()
    assert b"Proxy-Authorization: Basic dXNAZXI6cGFzczp3b3Jk\r\n" in heard[0]
    assert "http://127.0.0.1:" in str(caught.value)
    assert not any(
        one in str(caught.value) for one in ("us%40er", "us@er", "pass%3Aword", "pass:word", "dXNA")
    )
