"""Which recorded requests every policy at hand must judge alike: they have one shape. Pure.

The normal case: the same client, operation, bucket and account again and again, with other
keys. Where no rule for the bucket limits keys, a key is no part of the shape; where one
does, only which patterns it fits.
"""

from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from typing import Final

from s3gate.policy.model import KeyGlob, Policy
from s3gate.policy.reading import Client
from s3gate.policy.rules import Asked, key_problem
from s3gate.replay.facts import Facts
from s3gate.replay.signer import Signer
from s3gate.replay.world import candidate_rules, endpoint_of
from s3gate.s3.address import parse_address
from s3gate.s3.operation import OPERATION_CLASS, Operation, OperationClass
from s3gate.s3.refusal import ReadError

PLACES_REMEMBERED: Final = 65_536
"""Pairs of a policy and a target whose patterns are remembered; some 200 bytes each."""

_READ: Final = Operation("GetObject", OperationClass.READ)


class Shapes:
    """Tells the shape of facts.

    Args:
        policy: the new one.
        befores: policies of the past, by digest.
    """

    def __init__(self, policy: Policy, befores: Mapping[str, Policy]) -> None:
        self._policy, self._befores = policy, befores
        self._globs: dict[object, frozenset[tuple[KeyGlob, ...]]] = {}
        self._members: dict[object, object] = {}
        self._watching = frozenset(
            one.digest
            for one in befores.values()
            if one.monitor is not None or any(rule.monitor is not None for rule in one.rules)
        )

    def of(self, facts: Facts) -> object:
        """All that a verdict can hang on, hashable."""
        past, copied = facts.past, facts.copied
        digest = past.policy if past.policy in self._befores else None
        globs = self._patterns(facts, digest)
        return (
            (facts.method, facts.scheme, facts.connect, facts.sni, facts.authority, facts.host_header),
            (facts.bare, facts.hidden, facts.bucket, facts.style, facts.key is None, facts.operation),
            copied.bucket if copied is not None else None,
            self._groups(facts.client, digest),
            _signing(facts.signer),
            (past.reason, past.would_deny, past.rule, digest),
            past.time.astimezone(UTC).date() if digest in self._watching else None,
            _fits(facts, globs) if globs and facts.hidden is None else None,
        )

    def _groups(self, client: Client, digest: str | None) -> object:
        """What of a client a rule can ask for: its group in each policy, and that it proved a user."""
        place = (client.address, client.user, client.vpc_endpoint, digest)
        found = self._members.get(place)
        if found is None:
            policies = [self._policy, *([self._befores[digest]] if digest is not None else [])]
            names = tuple(policy.membership.find(client) for policy in policies)
            if len(self._members) >= PLACES_REMEMBERED:
                self._members.clear()
            found = self._members[place] = (names, client.user is not None)
        return found

    def _patterns(self, facts: Facts, digest: str | None) -> frozenset[tuple[KeyGlob, ...]]:
        """The key patterns of every rule that the facts may meet."""
        place = (facts.host_header, facts.bucket, facts.copied.bucket if facts.copied else None, digest)
        found = self._globs.get(place)
        if found is None:
            policies = [self._policy, *([self._befores[digest]] if digest is not None else [])]
            found = frozenset(
                rule.keys for policy in policies for rule in candidate_rules(policy, facts) if rule.keys
            )
            if len(self._globs) >= PLACES_REMEMBERED:
                self._globs.clear()
            self._globs[place] = found
        return found


def _signing(signer: Signer | None) -> object:
    """A signer without the key id itself, which no rule names."""
    if signer is None:
        return None
    return (
        signer.version, signer.presigned, signer.account, signer.region, signer.service, signer.expired
    )  # fmt: skip


def _fits(facts: Facts, globs: frozenset[tuple[KeyGlob, ...]]) -> object:
    """Which patterns the key and that of a copy's source fit; the key itself where it cannot be read."""
    kind = OPERATION_CLASS.get(facts.operation or "")
    named = endpoint_of(facts)
    if kind is None or facts.path is None or named is None:
        return facts.path
    try:
        address = parse_address(named, facts.path)
    except ReadError:
        return facts.path
    if address.key != facts.key:
        return facts.path
    operation = Operation(
        facts.operation or "",
        kind,
        listed_prefix=facts.prefix or None if kind is OperationClass.LIST else None,
        keys_in_body=facts.operation == "DeleteObjects",
    )
    target = Asked(None, operation, address.keys, facts.client, None)
    asked = [target]
    if facts.copied is not None:
        asked.append(Asked(None, _READ, (facts.copied.key or "",), facts.client, None))
    return tuple(key_problem(one, each) is None for one in _ordered(globs) for each in asked)


@lru_cache(maxsize=PLACES_REMEMBERED)
def _ordered(globs: frozenset[tuple[KeyGlob, ...]]) -> tuple[tuple[KeyGlob, ...], ...]:
    return tuple(sorted(globs, key=lambda one: [glob.text for glob in one]))
