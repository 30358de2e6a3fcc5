"""Text of settings: the right spelling becomes a value, another is answered with the right one."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ValidationInfo

from s3gate.policy.mistake import Misspelling
from s3gate.settings.spelling import (
    NameServer,
    check_endpoint_url,
    check_log_group,
    check_network,
    check_region_code,
    check_trusted_network,
    parse_flag,
    parse_integer,
    parse_listen_host,
    parse_name_server,
    parse_path,
    parse_seconds,
    parse_size,
)

VALUES: list[tuple[Callable[[str], object], str, object]] = [
    (parse_integer, "0", 0),
    (parse_integer, "8080", 8080),
    (parse_seconds, "2", 2.0),
    (parse_seconds, "0.25", 0.25),
    (parse_size, "512", 512),
    (parse_size, "2GiB", 2 * 1024**3),
    (parse_size, "16MiB", 16 * 1024**2),
    (parse_flag, "true", True),
    (parse_flag, "false", False),
    (parse_listen_host, "0.0.0.0", "0.0.0.0"),
    (parse_listen_host, "::", "::"),
    (check_trusted_network, "10.0.0.0/24", "10.0.0.0/24"),
    (parse_name_server, "10.0.0.2", NameServer("10.0.0.2", 53)),
    (parse_name_server, "10.0.0.2:5353", NameServer("10.0.0.2", 5353)),
    (parse_name_server, "fd00::2", NameServer("fd00::2", 53)),
    (parse_name_server, "[fd00::2]:5353", NameServer("fd00::2", 5353)),
    (check_network, "public", "public"),
    (check_network, "10.0.0.0/8", "10.0.0.0/8"),
    (check_log_group, "/s3gate/audit", "/s3gate/audit"),
    (check_region_code, "us-gov-west-1", "us-gov-west-1"),
    (check_endpoint_url, "https://127.0.0.1:4566", "https://127.0.0.1:4566"),
]

REFUSED: list[tuple[str, Callable[[str], object], str, str]] = [
    ("everybody's header", check_trusted_network, "0.0.0.0/0", "write the subnets"),
    ("everybody's header, v6", check_trusted_network, "::/0", "write the subnets"),
    ("leading zero", parse_integer, "080", "write digits"),
    ("sign", parse_integer, "+1", "write digits"),
    ("underscore", parse_integer, "1_000", "write digits"),
    ("hex", parse_integer, "0x10", "write digits"),
    ("other digits", parse_integer, "１", "write digits"),
    ("line end", parse_integer, "1\n", "write digits"),
    ("exponent", parse_seconds, "1e3", "write it like `2`"),
    ("negative", parse_seconds, "-1", "write it like `2`"),
    ("not a number", parse_seconds, "nan", "write it like `2`"),
    ("decimal unit", parse_size, "2GB", "write `2GiB`"),
    ("small letters", parse_size, "2gib", "write `2GiB`"),
    ("unit alone", parse_size, "10k", "write `10KiB`"),
    ("words", parse_size, "much", "write it like `2GiB`"),
    ("yaml 1.1", parse_flag, "yes", "write `true` or `false`"),
    ("a name to listen on", parse_listen_host, "localhost", "write one, like"),
    ("long form", parse_listen_host, "0:0:0:0:0:0:0:1", "write `::1`"),
    ("a name as server", parse_name_server, "dns.example", "write it like"),
    ("bare port", parse_name_server, ":53", "write it like"),
    ("port zero", parse_name_server, "10.0.0.2:0", "write 1 to 65535"),
    ("port beyond", parse_name_server, "10.0.0.2:65536", "write 1 to 65535"),
    ("host bits", check_network, "10.0.0.1/8", "write `10.0.0.0/8`"),
    ("private", check_network, "private", "write it like"),
    ("log group", check_log_group, "a b", "letters, digits"),
    ("log group empty", check_log_group, "", "letters, digits"),
    ("region", check_region_code, "Tokyo", "write it like"),
    ("no scheme", check_endpoint_url, "localhost:4566", "write it like"),
    ("user", check_endpoint_url, "https://u:secret@host/", "write it like"),
    ("file", check_endpoint_url, "file:///etc", "write it like"),
    ("port of words", check_endpoint_url, "https://host:x", "write it like"),
    ("brackets", check_endpoint_url, "https://[::1", "write it like"),
]


@pytest.mark.parametrize(("parse", "text", "value"), VALUES)
def test_values(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "hint"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(parse: Callable[[str], object], text: str, hint: str) -> None:
    with pytest.raises(Misspelling) as caught:
        parse(text)
    assert str(caught.value.suggestion).startswith(hint)
    assert "secret" not in caught.value.message


def info(base: object) -> ValidationInfo:
    return cast("ValidationInfo", SimpleNamespace(context=base))


def test_paths_start_at_the_settings_file() -> None:
    assert parse_path("policy.yaml", info(Path("/etc/s3gate"))) == Path("/etc/s3gate/policy.yaml")
    assert parse_path("/abs/policy.yaml", info(Path("/etc/s3gate"))) == Path("/abs/policy.yaml")
    assert parse_path("policy.yaml", info(None)) == Path("policy.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("s3://bucket/key", "source `s3://` cannot hold this"),
        ("ssm://parameter", "source `ssm://` cannot hold this"),
        ("appconfig://a/b", "source `appconfig://` cannot hold this"),
        ("", "an empty path"),
    ],
)
def test_sources_that_wait(text: str, says: str) -> None:
    with pytest.raises(Misspelling, match=says):
        parse_path(text, info(Path("/")))
