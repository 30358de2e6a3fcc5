"""`s3gate audit selftest` as an operator runs it: the real gate, the emulator, and metrics counted beside it.

The emulator evaluates no filters: while the command waits, the demo's AlarmChain publishes what the
deployed filters count, as CloudWatch would.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from filter_service import FilterService
from gate_process import SETTINGS, GateFiles
from one_answer import one_answer
from s3gate.cli.audit.selftest import make_canary, selftest_command
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.world import POLICY, World
from s3gate.settings import parse_settings

STEPS = ["refusal", "log event", "metric s3gate/Denials", "alarm s3gate-denials"]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(selftest_command, ["--config", str(config), *arguments])


def in_world(world: World, service: FilterService, *arguments: str) -> Result:
    config = world.gate.directory / "s3gate.yaml"
    return run(config, "--endpoint-url", service.url, *arguments)


@contextmanager
def counting(world: World) -> Iterator[None]:
    """What CloudWatch does with the deployed filters, meanwhile."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.3):
            world.alarms.publish()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.e2e
def test_the_chain_is_told_with_its_times(tmp_path: Path) -> None:
    """First what is missing without a canary, then the whole chain, then that an alarm that is on proves nothing."""
    with World(tmp_path) as world, FilterService(world.emulator.port) as service:
        result = in_world(world, service)
        assert (result.exit_code, result.stderr) == (0, "")
        lines = result.output.splitlines()
        assert [line[0] for line in lines[:-1]] == ["✓"] * len(world.definition.filters)
        assert lines[-1].startswith("left out: no request was sent")

        with counting(world):
            result = in_world(world, service, "--deny-canary", "--json", "--timeout", "60")
        told = json.loads(result.output)
        assert (result.exit_code, told["held"], told["left_out"]) == (0, True, None)
        chain = told["steps"][-len(STEPS) :]
        assert [step["name"] for step in chain] == STEPS
        assert all(step["time"].endswith("Z") and abs(step["after_s"]) < 60 for step in chain)
        assert "BUCKET_NOT_LISTED" in chain[0]["detail"]
        assert world.alarms.state("s3gate-denials") == "ALARM"

        with counting(world):
            result = in_world(world, service, "--deny-canary", "--timeout", "60")
        assert result.exit_code == 1
        assert "✗ alarm s3gate-denials" in result.output
        assert "was on before" in result.output
        assert result.output.splitlines()[-1] == "  next: wait until it is off, and run this again"


@pytest.mark.e2e
def test_what_does_not_come_is_named(tmp_path: Path) -> None:
    """CloudWatch reads a filter otherwise and counts nothing; then something else than a gate answers.

    That the gate only monitors is no matter: it still refuses what is not signed.
    """
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    monitoring = POLICY.replace("mode: enforce", f"mode: monitor\nuntil: {tomorrow}")
    other = b"HTTP/1.1 403 Forbidden\r\nx-s3gate-decision: deny\r\ncontent-length: 0\r\n\r\n"
    with (
        World(tmp_path, monitoring) as world,
        FilterService(world.emulator.port, blind_to="Evasion") as service,
    ):
        result = in_world(world, service, "--deny-canary", "--timeout", "5")
        assert result.exit_code == 1
        assert told(result)[-3:] == ["✓ refusal", "✓ log event", "✗ metric s3gate/Denials"]
        assert "✗ filter s3gate-evasion" in told(result)
        assert result.output.splitlines()[-1].startswith("  next: look at the filter")

        with one_answer(other) as url:
            result = in_world(world, service, "--deny-canary", "--proxy", url)
        assert result.exit_code == 1
        assert told(result)[-1] == "✗ refusal", "what comes after a broken link is not tried"
        assert "which is no refusal of s3gate" in result.output

        with socket.create_server(("127.0.0.1", 0)) as server:
            nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
        result = in_world(world, service, "--deny-canary", "--proxy", nobody)
        assert result.exit_code == 3
        assert f"the gate at `{nobody}`" in result.stderr


def told(result: Result) -> list[str]:
    """Mark and name of each step's line."""
    return [re.split("  ", line)[0] for line in result.output.splitlines() if line[0] in "✓✗"]


def unserved(tmp_path: Path, more: str = "") -> Path:
    """Settings of a gate that does not run, with AWS at a port where nobody listens."""
    where = '{region: eu-west-1, endpoint_url: "http://127.0.0.1:9"}'
    return GateFiles(tmp_path, settings=SETTINGS.replace("{enabled: false}", where) + more).write()


def test_aws_out_of_reach_is_the_environments_fault(tmp_path: Path) -> None:
    result = run(unserved(tmp_path))
    assert result.exit_code == 3
    assert "AWS could not be asked for logs:DescribeMetricFilters" in result.stderr


def test_without_shipping_there_is_no_chain(tmp_path: Path) -> None:
    result = run(GateFiles(tmp_path, settings=SETTINGS).write())
    assert result.exit_code == 2
    assert "`cloudwatch.enabled` is false" in result.stderr


def test_a_proxy_is_a_url(tmp_path: Path) -> None:
    result = run(unserved(tmp_path), "--deny-canary", "--proxy", "gate:8080")
    assert result.exit_code == 2
    assert "`gate:8080` is no proxy: write http://HOST:PORT" in result.stderr


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        pytest.param("{host: 0.0.0.0, port: 8080}", "http://127.0.0.1:8080", id="everywhere"),
        pytest.param('{host: "::", port: 8080}', "http://[::1]:8080", id="everywhere, IPv6"),
        pytest.param("{host: 10.0.0.1, port: 8080}", "http://10.0.0.1:8080", id="one address"),
        pytest.param('{host: "fd00::1", port: 8080}', "http://[fd00::1]:8080", id="one address, IPv6"),
    ],
)
def test_the_way_to_the_gate_is_that_of_the_settings(tmp_path: Path, listen: str, told: str) -> None:
    text = SETTINGS.replace("{host: 127.0.0.1, port: 0}", listen, 1)
    settings = parse_settings(text.encode(), tmp_path, {})
    canary = make_canary(settings, None, None, "eu-west-1")
    assert (canary.proxy_url, canary.ca) == (told, settings.ca.certificate)


def test_without_a_port_the_way_must_be_given(tmp_path: Path) -> None:
    result = run(unserved(tmp_path), "--deny-canary")
    assert result.exit_code == 2
    assert "give --proxy" in result.stderr
