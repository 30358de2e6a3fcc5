"""The file and the environment, read together."""

from pathlib import Path

import pytest

from s3gate.policy.mistake import DocumentErrors
from s3gate.settings import parse_settings, read_hmac_key, read_settings
from s3gate.settings.source import MIN_KEY_BYTES

FULL = b"""\
listen: {host: 0.0.0.0, port: 8080, proxy_protocol: off, trusted_proxies: []}
workers: 1
policy: policy.yaml
reload: graceful
ca: {certificate: ca/ca.pem, private_key: /secret/ca.key}
dns: {nameservers: ["127.0.0.1:5353"], timeout_s: 2}
upstream: {networks: [public, 10.0.0.0/8], ca_bundle: null, port: 443, plain_port: 80, connect_timeout_s: 0.5}
limits: {connections: 4096, connections_per_client: 512, head_bytes: 65536, idle_s: 350}
users: null
audit: {directory: audit, max_bytes: 1GiB, keys: full, hmac_key: audit.key, key_salt: null}
cloudwatch: {enabled: true, region: ap-northeast-1, log_group: /s3gate/audit, endpoint_url: null}
health: {host: 0.0.0.0, port: 9091}
admin: {host: 127.0.0.1, port: 9090}
"""
BASE = Path("/etc/s3gate")


def mistakes(data: bytes, environment: dict[str, str] | None = None) -> list[tuple[int, int, str]]:
    with pytest.raises(DocumentErrors) as caught:
        parse_settings(data, BASE, environment or {})
    return [(one.line, one.column, one.message) for one in caught.value.mistakes]


def test_settings_hold_what_the_file_says() -> None:
    settings = parse_settings(FULL, BASE, {})
    assert settings.policy == Path("/etc/s3gate/policy.yaml")
    assert settings.ca.private_key == Path("/secret/ca.key")
    assert settings.dns.nameservers[0].port == 5353
    assert settings.upstream.networks == ("public", "10.0.0.0/8")
    assert settings.upstream.connect_timeout_s == 0.5
    assert settings.upstream.ca_bundle is None
    assert settings.audit.max_bytes == 1024**3
    assert settings.cloudwatch.enabled


def test_every_key_can_come_from_the_environment() -> None:
    settings = parse_settings(
        FULL.replace(b"admin: {host: 127.0.0.1, port: 9090}\n", b""),
        BASE,
        {
            "S3GATE_LISTEN__PORT": "0",
            "S3GATE_UPSTREAM__NETWORKS": '["127.0.0.0/8"]',
            "S3GATE_DNS__NAMESERVERS": "[]",
            "S3GATE_POLICY": "/other/policy.yaml",
            "S3GATE_ADMIN__PORT": "9000",
            "S3GATE_CLOUDWATCH__ENDPOINT_URL": "https://127.0.0.1:1",
            "PATH": "/bin",
        },
    )
    assert settings.listen.port == 0
    assert settings.upstream.networks == ("127.0.0.0/8",)
    assert settings.dns.nameservers == ()
    assert settings.policy == Path("/other/policy.yaml")
    assert settings.admin.port == 9000
    assert settings.cloudwatch.endpoint_url == "https://127.0.0.1:1"


def test_what_the_environment_got_wrong_is_told_with_its_name() -> None:
    environment = {
        "S3GATE_LISTEN__PROT": "1",
        "S3GATE_WORKERS": "257",
        "S3GATE_DNS": "x",
        "S3GATE_UPSTREAM__NETWORKS": '["10.0.0.1/8"]',
        "S3GATE_HEALTH__HOST__DEEPER": "1",
    }
    assert sorted(mistakes(FULL, environment)) == [
        (0, 0, "S3GATE_DNS in the environment: text `x` where a mapping belongs"),
        (0, 0, "S3GATE_HEALTH__HOST__DEEPER in the environment: a list or mapping where text belongs"),
        (0, 0, "S3GATE_LISTEN__PROT in the environment: unknown key `prot`"),
        (
            0,
            0,
            (
                "S3GATE_UPSTREAM__NETWORKS in the environment: "
                "`10.0.0.1/8` is not the canonical spelling of a network"
            ),
        ),
        (0, 0, "S3GATE_WORKERS in the environment: 257 is out of range"),
    ]


def test_a_list_that_is_no_json_stays_text() -> None:
    found = mistakes(FULL, {"S3GATE_UPSTREAM__NETWORKS": "[public]", "S3GATE_DNS__NAMESERVERS": "[1]"})
    assert [one[2].partition(": ")[2] for one in found] == [
        "`1` is not the address of a name server",
        "text `[public]` where a list belongs",
    ]


ROWS = [
    (b"workers: 1", b"workers: -1", (2, 10), "not a whole number"),
    (b"policy: policy", b"policy: secretsmanager://p", (3, 9), "source `secretsmanager://` cannot hold this"),
    (b"reload: graceful", b"reload: later", (4, 9), "`later` is not supported yet"),
    (b"ca/ca.pem", b"s3://b/ca", (5, 19), "source `s3://` cannot hold this"),
    (b", private_key: /secret/ca.key", b"", (5, 5), "key `private_key` is missing"),
    (b"[public, 10.0.0.0/8]", b"[]", (7, 22), "an empty list"),
    (b"port: 443", b"port: 0", (7, 67), "0 is out of range"),
    (b"users: null", b"users: s3://b/users", (9, 8), "cannot hold this"),
    (b"keys: full", b"keys: hash", (10, 50), "hashed keys need a salt"),
    (b"keys: full", b"keys: some", (10, 50), "`some` is not supported yet"),
    (b"1GiB", b"1KiB", (10, 38), "1024 is out of range"),
    (b", hmac_key: audit.key", b"", (10, 8), "key `hmac_key` is missing"),
    (b"directory: audit,", b"directory: audit, enabled: false,", (10, 27), "unknown key `enabled`"),
    (b"region: ap-northeast-1, ", b"", (11, 13), "shipping needs a region"),
    (b"region: ap-northeast-1", b"region: null", (11, 37), "shipping needs a region"),
    (b"enabled: true", b"enabled: yes", (11, 23), "`yes` is neither"),
    (b"proxy_protocol: off", b"proxy_protocol: v2", (1, 53), "whose headers to believe"),
    (b"proxy_protocol: off", b"proxy_protocol: v1", (1, 53), "`v1` is not supported yet"),
    (b"trusted_proxies: []", b"trusted_proxies: [10.0.0.0/24]", (1, 75), "headers are not read"),
    (b"off, trusted_proxies: []", b"v2, trusted_proxies: [0.0.0.0/0]", (1, 75), "everybody's header"),
    (b"host: 127.0.0.1", b"host: *x", (13, 15), "alias"),
]


@pytest.mark.parametrize(
    ("old", "new", "place", "says"), ROWS, ids=[row[1].decode() or row[0].decode() for row in ROWS]
)
def test_one_mistake(old: bytes, new: bytes, place: tuple[int, int], says: str) -> None:
    assert old in FULL
    found = mistakes(FULL.replace(old, new))
    assert [one[:2] for one in found] == [place], found
    assert says in found[0][2]


def test_all_mistakes_are_told_at_once() -> None:
    data = FULL
    for old, new, _, _ in ROWS[:5]:
        data = data.replace(old, new)
    assert len(mistakes(data)) == 5


def test_shipping_can_be_off_and_then_needs_no_region() -> None:
    data = FULL.replace(b"enabled: true, region: ap-northeast-1, ", b"enabled: false, ")
    assert parse_settings(data, BASE, {}).cloudwatch.region is None
    assert mistakes(FULL.replace(b"cloudwatch: {", b"cloudwatsh: {"))[-1][2] == "unknown key `cloudwatsh`"


@pytest.mark.parametrize("data", [b"", b"- a\n", b"a: b: c\n", b"\xff"])
def test_what_is_no_mapping(data: bytes) -> None:
    assert len(mistakes(data)) == 1


def test_a_file_is_read_with_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "s3gate.yaml"
    path.write_bytes(FULL)
    assert read_settings(path, {}).policy == tmp_path / "policy.yaml"
    with pytest.raises(DocumentErrors, match="cannot be read: No such file"):
        read_settings(tmp_path / "none.yaml", {})


@pytest.mark.parametrize(
    ("content", "key"),
    [
        pytest.param(b"ab" * 32, b"\xab" * 32, id="hex"),
        pytest.param(b"AB" * 32 + b"\n", b"\xab" * 32, id="hex with line end"),
        pytest.param(b"\x00\xff" * 16, b"\x00\xff" * 16, id="raw"),
        pytest.param(b"\x00\xff" * 16 + b"\n", b"\x00\xff" * 16 + b"\n", id="raw keeps every byte"),
        pytest.param(b"g" * 32, b"g" * 32, id="raw text"),
    ],
)
def test_the_audit_key(tmp_path: Path, content: bytes, key: bytes) -> None:
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    assert read_hmac_key(path) == key
    assert len(key) >= MIN_KEY_BYTES


@pytest.mark.parametrize("content", [b"", b"secret", b"ab" * 31, b"x" * 31, b"x" * 5000])
def test_what_is_no_audit_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    with pytest.raises(DocumentErrors, match="holds no key of 32 bytes or more") as caught:
        read_hmac_key(path)
    assert "secret" not in str(caught.value)


def test_an_audit_key_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DocumentErrors, match="cannot be read"):
        read_hmac_key(tmp_path / "audit.key")


def test_the_users_file_starts_at_the_settings_too() -> None:
    assert parse_settings(FULL, BASE, {}).users is None
    assert parse_settings(FULL.replace(b"users: null", b"users: users"), BASE, {}).users == BASE / "users"
    told = parse_settings(FULL, BASE, {"S3GATE_USERS": "/other/users"})
    assert told.users == Path("/other/users")
