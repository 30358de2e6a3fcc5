"""Bytes of a policy file → Policy, or every mistake with line and column.

Normally the file is canonical and comes back as frozen values. Otherwise nothing comes
back: no policy, no proxy. Steps: bytes to tree (`yaml_source`), tree against the models
(`policy_file`), keys against each other (`consistency`), then the values are built here.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_network
from types import MappingProxyType

from s3gate.policy.consistency import find_inconsistencies
from s3gate.policy.listed import read_listed
from s3gate.policy.located import Node
from s3gate.policy.membership import ClientGroup
from s3gate.policy.mistake import Mistake, PolicyErrors
from s3gate.policy.model import (
    DenyAt,
    KeyGlob,
    ListedHost,
    Monitor,
    PlainHttp,
    Policy,
    Rule,
)
from s3gate.policy.policy_file import GroupEntry, PolicyFile, RuleEntry
from s3gate.policy.shape import check_shape
from s3gate.policy.spelling import parse_date
from s3gate.policy.unsupported import is_unsupported
from s3gate.policy.yaml_source import parse_yaml
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OperationClass

__all__ = ["Mistake", "PolicyErrors", "parse_policy", "parse_policy_tree"]

_CLASS_WORDS = frozenset(one.value for one in OperationClass)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the cycle collector off a tree that has no cycles and lives to the end: a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def parse_policy(text: bytes) -> Policy:
    """The policy that a file holds.

    Args:
        text: the bytes of the file.

    Returns:
        The policy, with the digest of exactly these bytes.

    Raises:
        PolicyErrors: with every mistake, in file order.
    """
    with _without_collector():  # until the tree is gone as well
        return parse_policy_tree(text)[0]


@_without_collector()
def parse_policy_tree(text: bytes) -> tuple[Policy, Node]:
    """The policy and the tree it was read from, for those who point at places in it.

    Args:
        text: the bytes of the file.

    Returns:
        The policy and the root of its document.

    Raises:
        PolicyErrors: with every mistake, in file order.
    """
    root, mistakes = parse_yaml(text)
    if root is None:
        raise PolicyErrors(mistakes)
    if not isinstance(root.value, dict):
        raise PolicyErrors(
            (*mistakes, Mistake(root.line, root.column, "not a mapping", "begin with `version: 1`"))
        )
    document, found = check_shape(PolicyFile, root, (), read_listed(root), is_unsupported)
    told = {(one.line, one.column) for one in mistakes}
    found.extend(find_inconsistencies(root))
    mistakes = (*mistakes, *(one for one in found if (one.line, one.column) not in told))
    if document is None or mistakes:
        raise PolicyErrors(mistakes)
    return _build(document, root, "sha256:" + sha256(text).hexdigest()), root


def _build(document: PolicyFile, root: Node, digest: str) -> Policy:
    default_partition = document.endpoints.partitions[0]
    rule_nodes = root.at(("rules",)).items
    host_nodes = root.at(("hosts",)).items
    return Policy(
        vpce=frozenset(document.endpoints.vpce),
        presets=tuple(document.presets),
        digest=digest,
        partitions=frozenset(document.endpoints.partitions),
        regions=frozenset(document.endpoints.regions),
        classes=frozenset(EndpointClass(one) for one in document.endpoints.classes),
        path_style=document.endpoints.path_style == "allow",
        clients=MappingProxyType({name: _group(name, entry) for name, entry in document.clients.items()}),
        rules=tuple(
            _rule(entry, node.line, default_partition)
            for entry, node in zip(document.rules, rule_nodes, strict=True)
        ),
        hosts=MappingProxyType(
            {
                entry.name: ListedHost(entry.name, frozenset(entry.accounts), node.line)
                for entry, node in zip(document.hosts, host_nodes, strict=True)
            }
        ),
        plain_http=PlainHttp(document.plain_http),
        sigv2=document.sigv2 == "allow",
        unsigned=document.unsigned == "allow",
        deny_at=DenyAt(document.deny_at),
        monitor=_monitor(document.mode, document.until),
    )


def _group(name: str, entry: GroupEntry) -> ClientGroup:
    return ClientGroup(
        name,
        tuple(ip_network(one) for one in entry.cidrs or ()),
        frozenset(entry.users or ()),
        frozenset(entry.vpc_endpoints or ()),
    )


def _rule(entry: RuleEntry, line: int, default_partition: str) -> Rule:
    classes, operations = _allowed(tuple(entry.allow))
    return Rule(
        id=entry.id,
        line=line,
        bucket=entry.bucket,
        fqdn=entry.fqdn,
        classes=classes,
        operations=operations,
        keys=_globs(tuple(entry.keys or ())),
        clients=_words(tuple(entry.clients or ())),
        accounts=_set(tuple(entry.accounts or ())),
        partition=_partition(entry, default_partition),
        regions=_set(tuple(entry.regions or ())),
        encryption_any=entry.encryption == "any",
        monitor=_monitor(entry.mode, entry.until),
        access_point=entry.access_point,
        mrap=entry.mrap,
        owner=entry.owner,
    )


# Files repeat a few combinations: ten thousand rules share what is alike, and take a third less memory.
_shared = lru_cache(maxsize=256)


@_shared
def _globs(patterns: tuple[str, ...]) -> tuple[KeyGlob, ...]:
    return tuple(map(KeyGlob.compile, patterns))


@_shared
def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    return words


@_shared
def _set(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(words)


@_shared
def _allowed(words: tuple[str, ...]) -> tuple[frozenset[OperationClass], frozenset[str]]:
    """The classes and the single operations among the words of `allow:`."""
    return (
        frozenset(OperationClass(one) for one in words if one in _CLASS_WORDS),
        frozenset(words) - _CLASS_WORDS,
    )


def _partition(entry: RuleEntry, default: str) -> str:
    arn = entry.access_point or entry.mrap
    if arn is not None:
        return arn.split(":")[1]
    if entry.fqdn is None:
        return entry.partition or default
    place = classify_host(HostName(entry.fqdn))
    return place.partition if isinstance(place, Endpoint) else entry.partition or default


def _monitor(mode: str, until: str | None) -> Monitor | None:
    return Monitor(parse_date(until)) if mode == "monitor" and until is not None else None
