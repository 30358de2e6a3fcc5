"""The names for Squid: each one the gate opens, and Squid itself says so."""

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drive.squid import configuration, free_port, run_squid
from s3gate.aws.export.allow_policy import Choice
from s3gate.aws.export.squid_list import squid_names
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request

POLICY = parse_policy(b"""
version: 1
endpoints:
  partitions: [aws]
  regions: [eu-west-1, us-east-1]
  classes: [standard, dualstack, fips, accelerate, website, access-point, mrap, express]
clients:
  batch: {cidrs: [10.1.0.0/16]}
rules:
  - {id: data, bucket: data-bucket, allow: [read]}
  - {id: dotted, bucket: dotted.bucket, allow: [read]}
  - {id: host, fqdn: hosted.s3.eu-west-1.amazonaws.com, allow: [read]}
  - {id: west, bucket: western, allow: [read], regions: [eu-west-1], clients: [batch]}
  - {id: point, access_point: "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin", allow: [read]}
  - {id: many, mrap: "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", allow: [read]}
  - {id: zonal, bucket: data--euw1-az1--x-s3, allow: [read, CreateSession], regions: [eu-west-1]}
hosts:
  - {name: sts.eu-west-1.amazonaws.com, accounts: ["111122223333"]}
presets: [ssm-agent]
unsigned: allow
""")
NARROW = parse_policy(b"""
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules: [{id: data, bucket: data-bucket, allow: [read]}]
""")


def reason(policy: Policy, host: str) -> Reason:
    request = Request(
        "GET",
        "https",
        None,
        "/k",
        (("Host", host),),
        f"{host}:443",
        host,
        Client("10.1.0.1"),
        datetime.now(UTC),
    )
    return decide_request(policy, request).reason


def test_the_gate_opens_every_name_that_is_listed() -> None:
    names = squid_names(POLICY, Choice())
    assert len(names) == len({one.name for one in names}) > 60
    for one in names:
        expected = {
            None: Reason.UNSIGNED_REQUEST if not POLICY.unsigned else Reason.ACCOUNT_NOT_ALLOWED,
            "preset:ssm-agent": Reason.ALLOWED_PRESET,
        }.get(one.rule, Reason.ALLOWED_BY_RULE)
        assert reason(POLICY, one.name) is expected, one


def test_exact_names_alone() -> None:
    assert not [
        one.name
        for one in squid_names(POLICY, Choice())
        if one.name.startswith((".", "*")) or " " in one.name
    ]


def test_what_the_policy_does_not_open_is_not_listed() -> None:
    assert [one.name for one in squid_names(NARROW, Choice())] == [
        "data-bucket.s3.eu-west-1.amazonaws.com",
        "data-bucket.s3-eu-west-1.amazonaws.com",
    ]
    for host in (
        "s3.eu-west-1.amazonaws.com",
        "data-bucket.s3.amazonaws.com",
        "evil.s3.eu-west-1.amazonaws.com",
    ):
        assert host not in {one.name for one in squid_names(NARROW, Choice())}


def test_a_region_and_a_group_choose() -> None:
    west = {one.name for one in squid_names(POLICY, Choice("eu-west-1"))}
    assert "data-bucket.s3.eu-west-1.amazonaws.com" in west
    assert not [name for name in west if "us-east-1" in name]
    assert {one.rule for one in squid_names(POLICY, Choice(client="batch"))} >= {"west", "data", None}


@pytest.fixture(scope="module")
def squid() -> Iterator[int]:
    names = [one.name for one in squid_names(NARROW, Choice())]
    with TemporaryDirectory() as outside:  # pytest's own directories are closed to Squid's user
        Path(outside).chmod(0o755)
        hosts = dict.fromkeys(names, "127.0.0.1")
        with run_squid(Path(outside) / "run", names, hosts, Path(outside), bump=False) as running:
            yield running.port


def connect(port: int, host: str) -> str:
    """The status that Squid answers to a CONNECT; what is not forbidden then fails: nobody serves its port."""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.settimeout(60)
        client.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        return client.recv(64).split(b" ")[1].decode()


@pytest.mark.needs_program("squid")
def test_squid_refuses_what_is_not_listed_and_lets_pass_what_is(squid: int) -> None:
    assert connect(squid, "data-bucket.s3.eu-west-1.amazonaws.com") != "403"
    for host in (
        "evil-bucket.s3.eu-west-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "x.data-bucket.s3.eu-west-1.amazonaws.com",
    ):
        assert connect(squid, host) == "403"


@pytest.mark.needs_program("squid")
def test_squid_takes_the_list(tmp_path: Path) -> None:
    names = [one.name for one in squid_names(POLICY, Choice())]
    file = tmp_path / "squid.conf"
    file.write_text(configuration(tmp_path, free_port(), names, tmp_path, bump=False))
    ran = subprocess.run(
        ["squid", "-k", "parse", "-f", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not [line for line in ran.stderr.splitlines() if "ERROR" in line or "WARNING" in line]
