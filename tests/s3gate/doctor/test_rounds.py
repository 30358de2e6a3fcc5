"""Which checks a round has, on a client and on the gate, and what they take from each other."""

import asyncio
from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles
from s3gate.demo.dns_server import DnsServer
from s3gate.doctor.bounded import run_checks
from s3gate.doctor.client import IMDS, PROXY, WAY
from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.gate import CA, JOURNAL, POLICY
from s3gate.doctor.gate import SETTINGS as SETTINGS_READ
from s3gate.doctor.health import READY
from s3gate.doctor.logs import ENDPOINT
from s3gate.doctor.refusal import CANARY
from s3gate.doctor.rounds import DNS, Wish, client_checks, gate_checks, with_scheme
from s3gate.doctor.trust import REACHED

NOBODY = "http://127.0.0.1:1"
SILENT = SETTINGS + 'dns: {nameservers: ["127.0.0.1:1"], timeout_s: 0.1}\n'


def client(**wish: object) -> list[Finding]:
    return list(run_checks(client_checks(Wish(**wish))))  # type: ignore[arg-type]  # a row's fields


def gate(config: Path, **wish: object) -> dict[str, Finding]:
    found = run_checks(gate_checks(config, Wish(**wish)))  # type: ignore[arg-type]  # as above
    return {one.name: one for one in found}


def test_without_a_proxy_the_rest_is_tried_all_the_same() -> None:
    found = client()
    assert [one.name for one in found] == [PROXY, WAY, IMDS, REACHED, CANARY]
    assert [one.outcome for one in found] == [
        Outcome.WRONG,
        Outcome.WRONG,
        Outcome.WRONG,
        Outcome.UNKNOWN,
        Outcome.LEFT_OUT,
    ]


async def test_everything_that_was_asked_for_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    names = ("a.amazonaws.com", "b.amazonaws.com")
    async with DnsServer([]) as server:  # it refuses every question
        where = (f"127.0.0.1:{server.port}",)
        wish = {"private": names, "nameservers": where, "logs_endpoint": NOBODY, "canary": True}
        found = await asyncio.to_thread(client, **wish)
    told = {one.name: one.outcome for one in found}
    assert told["private a.amazonaws.com"] is told["private b.amazonaws.com"] is Outcome.WRONG
    assert [name in one.detail for name, one in zip(names, found[-4:-2], strict=True)] == [True, True], found
    assert told[ENDPOINT] is Outcome.WRONG
    assert told[CANARY] is Outcome.UNKNOWN


def test_an_exempt_way_has_no_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    monkeypatch.setenv("NO_PROXY", "*")
    told = {one.name: one.outcome for one in client(canary=True)}
    assert (told[PROXY], told[WAY], told[CANARY]) == (Outcome.FINE, Outcome.WRONG, Outcome.UNKNOWN)


def test_the_gates_round(tmp_path: Path) -> None:
    found = gate(GateFiles(tmp_path, settings=SILENT).write(), canary=True, region="eu-west-1")
    assert {SETTINGS_READ, POLICY, CA, JOURNAL, DNS, READY, CANARY} <= set(found)
    assert ENDPOINT not in found, "nothing is shipped"
    assert (found[POLICY].outcome, found[DNS].outcome) == (Outcome.FINE, Outcome.WRONG)
    assert "s3.eu-west-1.amazonaws.com" in found[DNS].detail
    assert (found[CANARY].outcome, "--proxy" in str(found[CANARY].then)) == (Outcome.UNKNOWN, True)


def test_the_gates_own_name_servers_are_asked(tmp_path: Path) -> None:
    found = gate(GateFiles(tmp_path, settings=SILENT).write(), private=("x.amazonaws.com",))
    assert found["private x.amazonaws.com"].outcome is Outcome.WRONG


def test_a_broken_policy_hides_nothing_else(tmp_path: Path) -> None:
    found = gate(GateFiles(tmp_path, settings=SILENT, policy="version: 2\n").write())
    assert (found[POLICY].outcome, found[DNS].outcome) == (Outcome.WRONG, Outcome.WRONG)


def test_shipping_is_looked_at_where_there_is_some(tmp_path: Path) -> None:
    where = f'{{region: eu-west-1, endpoint_url: "{NOBODY}"}}'
    found = gate(GateFiles(tmp_path, settings=SILENT.replace("{enabled: false}", where)).write())
    assert found[ENDPOINT].outcome is Outcome.WRONG
    assert NOBODY in found[ENDPOINT].detail


def test_without_settings_all_is_named_that_could_not_be_tried(tmp_path: Path) -> None:
    found = gate(tmp_path / "none.yaml")
    assert found[SETTINGS_READ].outcome is Outcome.WRONG
    rest = {name: one.outcome for name, one in found.items() if name != SETTINGS_READ}
    assert rest == dict.fromkeys((POLICY, CA, JOURNAL, DNS, READY, ENDPOINT), Outcome.UNKNOWN)


@pytest.mark.parametrize("text", ["gate:1", "//gate:1", "http://gate:1"])
def test_a_proxy_has_a_scheme(text: str) -> None:
    assert with_scheme(text) == "http://gate:1"
