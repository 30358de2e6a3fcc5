"""CloudWatch Logs as a server on loopback: answering, refusing, silent, at another time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.logs import ENDPOINT, GROUP, check_logs
from s3gate.doctor.trust import CLOCK

REGION = "eu-west-1"


@contextmanager
def logs(
    groups: tuple[str, ...] = (),
    error: str = "",
    ahead: timedelta = timedelta(),
    gate: str = "",
    date: bool = True,
) -> Iterator[str]:
    """It answers unsigned questions as AWS does: 400; signed ones with the groups, or an error."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            signed = "authorization" in self.headers
            code = error if signed else "MissingAuthenticationTokenException"
            found = {"logGroups": [{"logGroupName": one} for one in groups]}
            body = json.dumps({"__type": code, "message": "no"} if code else found).encode()
            self.send_response_only(400 if code else 200)
            if date:
                self.send_header("date", format_datetime(datetime.now(UTC) + ahead, usegmt=True))
            if gate:
                self.send_header("x-s3gate-decision", "deny")
                self.send_header("x-s3gate-reason", gate)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def by_name(url: str, group: str | None = "/s3gate/audit") -> dict[str, Finding]:
    return {one.name: one for one in check_logs(REGION, url, group)}


@pytest.mark.usefixtures("credentials")
def test_it_answers_and_has_the_group() -> None:
    with logs(("/s3gate/audit", "/s3gate/audit-2")) as url:
        found = by_name(url)
    assert {name: one.outcome for name, one in found.items()} == dict.fromkeys(
        (ENDPOINT, CLOCK, GROUP), Outcome.FINE
    )
    assert "CloudWatch's" in found[CLOCK].detail


def test_an_unsigned_answer_is_an_answer() -> None:
    """A machine without credentials can ask whether the endpoint is reached."""
    with logs() as url:
        found = by_name(url, None)
    assert {name: one.outcome for name, one in found.items()} == dict.fromkeys(
        (ENDPOINT, CLOCK), Outcome.FINE
    )


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("groups", "error", "outcome", "why"),
    [
        pytest.param(
            ("/s3gate/audit-2",), "", Outcome.WRONG, "there is no /s3gate/audit in", id="a longer name"
        ),
        pytest.param(
            (), "AccessDeniedException", Outcome.UNKNOWN, "logs:DescribeLogGroups", id="not allowed"
        ),
        pytest.param(
            (), "ExpiredTokenException", Outcome.WRONG, "does not know the credentials", id="expired"
        ),
        pytest.param((), "InvalidSignatureException", Outcome.WRONG, "does not know", id="wrong key"),
    ],
)
def test_the_group(groups: tuple[str, ...], error: str, outcome: Outcome, why: str) -> None:
    with logs(groups, error) as url:
        found = by_name(url)
    assert (found[GROUP].outcome, why in found[GROUP].detail) == (outcome, True), found[GROUP]
    assert found[ENDPOINT].outcome is Outcome.FINE


def test_without_credentials_the_group_is_not_known_to_be_there() -> None:
    with logs(("/s3gate/audit",)) as url:
        found = by_name(url)
    assert (found[GROUP].outcome, "no AWS credentials" in found[GROUP].detail) == (Outcome.WRONG, True)


@pytest.mark.parametrize(
    ("ahead", "outcome"), [(timedelta(minutes=20), Outcome.WRONG), (timedelta(minutes=-20), Outcome.WRONG)]
)
def test_another_time(ahead: timedelta, outcome: Outcome) -> None:
    with logs(ahead=ahead) as url:
        assert by_name(url, None)[CLOCK].outcome is outcome


def test_an_answer_without_a_date() -> None:
    with logs(date=False) as url:
        assert by_name(url, None)[CLOCK].outcome is Outcome.UNKNOWN


def test_a_gates_refusal_is_no_answer_of_cloudwatch() -> None:
    with logs(gate="HOST_NOT_LISTED") as url:
        found = by_name(url)
    assert set(found) == {ENDPOINT}
    assert (found[ENDPOINT].outcome, "HOST_NOT_LISTED" in found[ENDPOINT].detail) == (Outcome.WRONG, True)


def test_nobody_there() -> None:
    found = by_name("http://127.0.0.1:1")
    assert {name: one.outcome for name, one in found.items()} == {
        ENDPOINT: Outcome.WRONG,
        GROUP: Outcome.UNKNOWN,
    }


def test_what_is_no_endpoint() -> None:
    assert by_name("nonsense")[ENDPOINT].outcome is Outcome.WRONG
