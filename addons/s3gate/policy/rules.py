"""Which rule allows, and if none does, which one got furthest.

The normal case: one rule lists the bucket, and its constraints hold in turn:
region, client, operation, key, account, encryption, owner. Each constraint is a numbered stage; of
several rules for one bucket the first that passes them all decides, else the one
that failed latest, and among equals the first in the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.model import KeyGlob, Policy, Rule
from s3gate.policy.owner import Claim, proves_owner
from s3gate.policy.reading import Client
from s3gate.s3.operation import OPERATION_CLASS, Operation, OperationClass
from s3gate.s3.operation_needs import CUSTOMER_KEY

_OWNER_UNPROVEN: Final = (
    "nothing proves who owns it: sign x-amz-expected-bucket-owner with the account that the rule expects"
)
# Bucket-level operations that name no key and change nothing: a rule that limits keys does not hinder them.
_KEYLESS_CLASSES: Final = frozenset({OperationClass.READ})
_OBJECT_READS: Final = frozenset({"GetObject", "HeadObject"})
# KMS API reference, KeyId of Encrypt: a key id, an alias name, or the ARN of either; S3 hands it on. Another
# spelling (capitals in `arn`, quotes, blanks, a list) may still be another account's key to some reader.
_KMS_KEY_ID: Final = re.compile(r"(?:alias/)?[A-Za-z0-9/_-]{1,256}", re.ASCII)
_KMS_KEY_ARN: Final = re.compile(
    r"arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]+:([0-9]{12}):(?:key|alias)/[A-Za-z0-9/_-]{1,256}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule is asked: one resource, what is to be done with it, and by whom.

    Args:
        region: of the endpoint; None where the name carries none.
        keys: the decoded key in every reading it may have; empty for an operation on the bucket.
        account: account that signed; None when anonymous or not told by the key id.
        claim: what the request shows of the resource's owner; None when no rule asks for it.
    """

    region: str | None
    operation: Operation
    keys: tuple[str, ...]
    client: Client
    account: str | None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class RuleRefusal:
    """A rule's own constraint that does not hold, and how far the rule got."""

    rule: Rule
    stage: int
    reason: Reason
    detail: str


def find_rule(policy: Policy, rules: Sequence[Rule], asked: Asked) -> Rule | tuple[RuleRefusal, ...]:
    """The first rule that allows, or the refusals of all, the furthest first.

    Args:
        policy: for its client groups.
        rules: candidates for one bucket, in file order; not empty.
        asked: what is to be done.
    """
    refusals = []
    for rule in rules:
        refusal = _test_rule(policy, rule, asked)
        if refusal is None:
            return rule
        refusals.append(refusal)
    refusals.sort(key=lambda refusal: -refusal.stage)
    return tuple(refusals)


def _test_rule(policy: Policy, rule: Rule, asked: Asked) -> RuleRefusal | None:
    if rule.regions and asked.region is not None and asked.region not in rule.regions:
        detail = f'the rule does not allow region "{asked.region}"'
        return RuleRefusal(rule, 1, Reason.REGION_NOT_ALLOWED, detail)
    if rule.clients and policy.membership.find(asked.client) not in rule.clients:
        detail = f"{_named(asked.client)} may not use this bucket"
        return RuleRefusal(rule, 2, Reason.CLIENT_NOT_ALLOWED, detail)
    missing = _missing_operation(rule, asked.operation)
    if missing is not None:
        return RuleRefusal(rule, 3, Reason.OPERATION_NOT_ALLOWED, f"{missing} is not allowed on this bucket")
    if rule.keys:
        problem = key_problem(rule.keys, asked)
        if problem is not None:
            return RuleRefusal(rule, 4, Reason.KEY_NOT_ALLOWED, problem)
    if rule.accounts and asked.account not in rule.accounts:
        return RuleRefusal(rule, 5, Reason.ACCOUNT_NOT_ALLOWED, account_problem(asked.account))
    return check_bonds(rule, asked)


def check_bonds(rule: Rule, asked: Asked) -> RuleRefusal | None:
    """What monitor mode never lifts of a rule: the data stays readable for its owner, who is the right one.

    Args:
        rule: one that lists the resource.
        asked: what is to be done.
    """
    if not rule.encryption_any and asked.operation.encryption is not None:
        problem = encryption_problem(asked)
        if problem is not None:
            return RuleRefusal(rule, 6, Reason.ENCRYPTION_NOT_ALLOWED, problem)
    if rule.owner is not None and (asked.claim is None or not proves_owner(asked.claim, rule.owner)):
        return RuleRefusal(rule, 7, Reason.BUCKET_OWNER_NOT_PROVEN, _OWNER_UNPROVEN)
    return None


def account_problem(account: str | None) -> str:
    """Why the account that signed does not do, as a sentence."""
    if account is None:
        return "the access key does not tell its account (anonymous, or issued before 2019)"
    return f"keys of account {account} may not be used here"


def encryption_problem(asked: Asked) -> str | None:
    """Why what is written would be locked away from its owner, or None.

    A KMS key named without an account is of the account that signs (KMS API reference, KeyId).
    """
    key = asked.operation.encryption
    if key is None:
        return None
    if key == CUSTOMER_KEY:
        return "a key that only the client has (SSE-C) would lock the data away from its owner"
    if _KMS_KEY_ID.fullmatch(key) is not None:
        return None
    arn = _KMS_KEY_ARN.fullmatch(key)
    if arn is None:
        return "the KMS key is neither a key id, nor an alias, nor an ARN of one; nobody knows whose it is"
    if asked.account is not None and arn[1] == asked.account:
        return None
    return "a KMS key of another account would lock the data away from its owner"


def _named(client: Client) -> str:
    """Who asks, as far as groups go by it."""
    user = "" if client.user is None else f', user "{client.user}"'
    endpoint = "" if client.vpc_endpoint is None else f', through "{client.vpc_endpoint}"'
    return f'client "{client.address}"{user}{endpoint}'


def _missing_operation(rule: Rule, operation: Operation) -> str | None:
    """The first operation that the request needs and the rule does not allow."""
    if operation.operation_class not in rule.classes and operation.name not in rule.operations:
        return operation.name
    for name in sorted(operation.also):
        if (
            OPERATION_CLASS.get(name, OperationClass.ADMIN) not in rule.classes
            and name not in rule.operations
        ):
            return name
    return None


def key_problem(globs: Sequence[KeyGlob], asked: Asked) -> str | None:
    """Why the keys that are asked for lie outside of the globs, or None.

    Args:
        globs: of one rule, not empty.
        asked: its operation, and its keys in every reading.
    """
    operation = asked.operation
    if asked.keys:
        for key in (*asked.keys, *operation.source_keys):
            if not _key_fits(globs, key):
                return f'key "{key[:200]}" is outside the keys that may be used'
        return None
    if operation.operation_class is OperationClass.LIST:
        if _prefix_fits(globs, operation.listed_prefix or ""):
            return None
        return "a list must ask for a prefix within the keys that may be used"
    if operation.name in _OBJECT_READS:
        return "the index of a website is named by its bucket, not by the request"
    if operation.operation_class in _KEYLESS_CLASSES:
        return None
    if operation.keys_in_body:
        return f"{operation.name} has its keys in the body, where they cannot be judged; go key by key"
    return f"{operation.name} reaches beyond the keys that may be used"


def _prefix_fits(globs: Sequence[KeyGlob], prefix: str) -> bool:
    """Whether a list stays within the globs, to a reader that resolves dot segments as well."""
    plain = _without_dot_segments(prefix)
    return all(any(glob.covers_prefix(one) for glob in globs) for one in {prefix, plain})


def _key_fits(globs: Sequence[KeyGlob], key: str) -> bool:
    """Whether the key fits a glob as S3 reads it, and also as a reader that resolves dot segments would."""
    if not any(glob.matches(key) for glob in globs):
        return False
    plain = _without_dot_segments(key)
    return plain == key or any(glob.matches(plain) for glob in globs)


def _without_dot_segments(key: str) -> str:
    if "/." not in key and not key.startswith("."):
        return key
    kept: list[str] = []
    for segment in key.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)
