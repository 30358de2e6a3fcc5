"""The settings file and the environment, read together: every mistake at once, at its place.

Normally the file holds everything. `S3GATE_LISTEN__PORT=8081` replaces `port` under
`listen`; lists in the environment are JSON. What the environment got wrong is told with
the variable's name in the place of line and column.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from s3gate.policy.located import Node, Plain
from s3gate.policy.mistake import DocumentErrors, Mistake, quote
from s3gate.policy.shape import check_shape
from s3gate.policy.yaml_source import MAX_DEPTH, parse_yaml
from s3gate.settings.field import NULLS
from s3gate.settings.model import Settings

ENVIRONMENT_PREFIX: Final = "S3GATE_"
LEVEL_SEPARATOR: Final = "__"

MIN_KEY_BYTES: Final = 32
"""Bytes of the audit chain's key: RFC 2104, section 3 asks for the hash's length, that of SHA-256."""
MAX_KEY_BYTES: Final = 4096
"""Bytes; a larger file is not a key."""

# A key in hex: an even number of digits, then at most one line end, as `openssl rand -hex 32` prints it.
_HEX_KEY: Final = re.compile(rb"((?:[0-9a-fA-F]{2})+)\r?\n?")


def read_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file and the environment.

    Args:
        path: the settings file.
        environment: variables; those of the process when None.

    Raises:
        DocumentErrors: with every mistake, in file order.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        why = Mistake(
            0,
            0,
            f"cannot be read: {exc.strerror}",
            "name a settings file with --config; config/s3gate.yaml shows how one looks",
        )
        raise DocumentErrors([why]) from exc
    variables = os.environ if environment is None else environment
    return parse_settings(data, path.absolute().parent, variables)


def parse_settings(data: bytes, directory: Path, environment: Mapping[str, str]) -> Settings:
    """The settings that the bytes of a file and an environment hold.

    Args:
        data: the bytes of the file.
        directory: where relative paths start.
        environment: variables; those without our prefix are not looked at.

    Raises:
        DocumentErrors: with every mistake, in file order.
    """
    root, mistakes = parse_yaml(data)
    if root is None:
        raise DocumentErrors(mistakes)
    if not isinstance(root.value, dict):
        raise DocumentErrors(
            [*mistakes, Mistake(root.line, root.column, "not a mapping", "begin with `listen:`")]
        )
    names = _overlay(root, environment)
    settings, found = check_shape(Settings, root, (), directory)
    found.extend(_cross_check(root))
    told = {(one.line, one.column) for one in mistakes}
    located = [_name_variable(one, names) for one in found if (one.line, one.column) not in told]
    if settings is None or mistakes or located:
        raise DocumentErrors((*mistakes, *located))
    return settings


def read_hmac_key(path: Path, setting: str = "audit.hmac_key") -> bytes:
    """The key of the audit chain, or another secret of that form.

    Args:
        path: a file of 32 bytes or more: hex digits with at most a line end, else the bytes as they are.
        setting: the key of the settings that names it.

    Raises:
        DocumentErrors: the file cannot be read, or is no key; its content is never told.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KEY_BYTES + 1)
    except OSError as exc:
        why = f"`{setting}`: {quote(path)} cannot be read: {exc.strerror}"
        raise DocumentErrors([Mistake(0, 0, why, _make(path))]) from exc
    in_hex = _HEX_KEY.fullmatch(data)
    key = bytes.fromhex(in_hex[1].decode("ascii")) if in_hex else data
    if len(key) < MIN_KEY_BYTES or len(data) > MAX_KEY_BYTES:
        why = f"`{setting}`: {quote(path)} holds no key of {MIN_KEY_BYTES} bytes or more"
        raise DocumentErrors([Mistake(0, 0, why, _make(path))])
    return key


def _make(path: Path) -> str:
    return f"make it with `(umask 077; openssl rand -hex 32 > {path})`"


def _overlay(root: Node, environment: Mapping[str, str]) -> list[str]:
    """Lay the environment over the tree; its nodes stand on negative lines, -1 for the first name."""
    names = sorted(one for one in environment if one.startswith(ENVIRONMENT_PREFIX))
    for index, name in enumerate(names):
        steps = name.removeprefix(ENVIRONMENT_PREFIX).lower().split(LEVEL_SEPARATOR)[:MAX_DEPTH]
        _place(root, steps, _value(environment[name]), -1 - index)
    return names


def _value(text: str) -> Plain:
    if not text.startswith("["):
        return text
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return [one if isinstance(one, str) else json.dumps(one) for one in items]


def _place(root: Node, steps: list[str], value: Plain, line: int) -> None:
    node = root
    for step in steps[:-1]:
        inside = node.children.get(step)
        if inside is None or not isinstance(inside.value, dict):
            inside = Node({}, line, 0, (), {}, {})
            _set(node, step, inside, line)
        node = inside
    items = [Node(one, line, 0) for one in value] if isinstance(value, list) else ()
    _set(node, steps[-1], Node(value, line, 0, items), line)


def _set(node: Node, key: str, child: Node, line: int) -> None:
    if isinstance(node.value, dict) and isinstance(node.children, dict) and isinstance(node.keys, dict):
        node.value[key] = child.value
        node.children[key] = child
        node.keys.setdefault(key, (line, 0))


def _name_variable(mistake: Mistake, names: list[str]) -> Mistake:
    if mistake.line >= 0:
        return mistake
    message = f"{names[-1 - mistake.line]} in the environment: {mistake.message}"
    return Mistake(0, 0, message, mistake.suggestion)


def _cross_check(root: Node) -> list[Mistake]:
    """What several settings must agree on."""
    return [*_check_shipping(root), *_check_salt(root), *_check_proxies(root)]


def _check_proxies(root: Node) -> list[Mistake]:
    """PROXY v2 and whom it is believed come together: neither is ever ignored."""
    listen = root.children.get("listen")
    if listen is None or not isinstance(listen.value, dict):
        return []
    wanted, trusted = listen.value.get("proxy_protocol") == "v2", listen.value.get("trusted_proxies")
    if wanted and not trusted:
        where = listen.at(("proxy_protocol",))
        told = "`v2` needs to know whose headers to believe"
        return [
            Mistake(where.line, where.column, told, "add `trusted_proxies:`, the load balancer's subnets")
        ]
    if trusted and not wanted:
        where = listen.at(("trusted_proxies",))
        told = "headers are not read while `proxy_protocol` is off"
        return [Mistake(where.line, where.column, told, "write `proxy_protocol: v2`, or delete the key")]
    return []


def _check_salt(root: Node) -> list[Mistake]:
    audit = root.children.get("audit")
    if audit is None or not isinstance(audit.value, dict) or audit.value.get("keys") != "hash":
        return []
    salt = audit.value.get("key_salt", "")
    if isinstance(salt, str) and salt in NULLS:
        where = audit.at(("keys",))
        return [Mistake(where.line, where.column, "hashed keys need a salt", "add `key_salt:`, a file")]
    return []


def _check_shipping(root: Node) -> list[Mistake]:
    shipping = root.children.get("cloudwatch")
    if shipping is None:
        return [
            Mistake(
                root.line, root.column, "key `cloudwatch` is missing", "add its `region`, or `enabled: false`"
            )
        ]
    if not isinstance(shipping.value, dict) or shipping.value.get("enabled", "true") != "true":
        return []
    region = shipping.value.get("region", "")
    if isinstance(region, str) and region in NULLS:
        where = shipping.at(("region",))
        return [
            Mistake(where.line, where.column, "shipping needs a region", "add `region:`, or `enabled: false`")
        ]
    return []
