"""Which edits may move a refusal: for each reason, the words that it misses.

The normal case: `OPERATION_NOT_ALLOWED` is moved by the operation's name in `allow`. An edit
here is a guess; `remedy.py` tries it. What only weakens a protection carries a caution.
"""

from collections.abc import Callable, Iterator
from typing import Final

from s3gate.policy.decision import Decision, Reason
from s3gate.policy.edit import Document, Edit, names_bucket, rules_of
from s3gate.policy.located import Plain
from s3gate.policy.preset import PRESETS
from s3gate.policy.reading import Request
from s3gate.s3.access_point import access_point_of
from s3gate.s3.endpoint import AwsName, Endpoint, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import ReadError

type Judge = Callable[[Document], Decision | None]

MAX_RULES: Final = 16
"""Rules for one bucket that are tried; more of them are not read by a person either."""

_BY_RULE: Final = frozenset(
    {
        Reason.REGION_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED,
        Reason.OPERATION_NOT_ALLOWED,
        Reason.KEY_NOT_ALLOWED,
        Reason.ACCOUNT_NOT_ALLOWED,
        Reason.ENCRYPTION_NOT_ALLOWED,
    }
)
_SWITCHES: Final = {
    Reason.PATH_STYLE_NOT_ALLOWED: (
        Edit(("endpoints", "path_style"), "allow"),
    ),
    Reason.UNSIGNED_REQUEST: (
        Edit(("unsigned",), "allow", caution="anonymous requests to all that is listed; better sign this"),
    ),
    Reason.SIGNATURE_VERSION: (
        Edit(("sigv2",), "allow", caution="signatures that leave out the host; better use version 4"),
    ),
    Reason.PLAIN_HTTP: (
        Edit(("plain_http",), "head", caution="HEAD of every listed bucket in clear text"),
        Edit(("plain_http",), "allow", caution="clear text for whatever is listed; better use https"),
    ),
}  # fmt: skip


def edits_for(document: Document, request: Request, decision: Decision, judge: Judge) -> Iterator[Edit]:
    """Edits that may lead past a refusal.

    Args:
        document: what refused; its rules are those that concern the request.
        request: what was asked.
        decision: the refusal, or one that monitor mode lifted.
        judge: decides about the request by another document.
    """
    reason = decision.would_deny or decision.reason
    yield from _SWITCHES.get(reason, ())
    reading = decision.reading
    if reading.endpoint_class is None:
        yield from _hosts(decision)
        return
    if reason is Reason.ENDPOINT_NOT_ALLOWED:
        yield from _endpoints(document, decision)
    elif reason is Reason.REGION_NOT_ALLOWED and decision.rule is None and reading.region is not None:
        yield Edit(
            ("endpoints", "regions"), reading.region, caution="that region for every rule without `regions`"
        )
    elif reason is Reason.COPY_SOURCE_NOT_LISTED:
        yield from _copied(document, request, decision)
    elif reason in _BY_RULE or reason is Reason.BUCKET_NOT_LISTED:
        for rule in rules_of(document)[:MAX_RULES]:
            alone = judge({**document, "rules": [rule]})
            if alone is not None and (alone.would_deny or alone.reason) in _BY_RULE:
                yield from _mend(document, request, rule, alone)
        yield from _preset(document, decision)
        yield from _new_rule(document, decision)


def _endpoints(document: Document, decision: Decision) -> Iterator[Edit]:
    """Classes, the interface endpoint and the partition that the host's name needs."""
    named = classify_host(HostName(decision.reading.host or ""))
    listed = document.get("endpoints")
    if not isinstance(named, Endpoint) or not isinstance(listed, dict):
        return
    have = listed.get("classes")
    missing = sorted(one.value for one in named.needs if not isinstance(have, list) or one.value not in have)
    for one in missing:
        if one != "vpce":
            yield Edit(("endpoints", "classes"), one, caution=f"{one} endpoints for every rule")
    if named.partition not in (listed.get("partitions") or ()):
        yield Edit(("endpoints", "partitions"), named.partition)
    if named.vpce is not None:
        opened = Edit(("endpoints", "classes"), "vpce") if "vpce" in missing else None
        caution = "only when it is your own: anybody can own an endpoint"
        yield Edit(("endpoints", "vpce"), named.vpce, 2, caution=caution, beside=opened)


def _hosts(decision: Decision) -> Iterator[Edit]:
    """An AWS service beside S3, with the account that signed."""
    reading, reason = decision.reading, decision.would_deny or decision.reason
    if reading.host is None or reading.account is None:
        return
    if reason is Reason.ACCOUNT_NOT_ALLOWED:
        yield Edit(("accounts",), reading.account, host=reading.host)
    elif reason is Reason.HOST_NOT_LISTED and isinstance(classify_host(HostName(reading.host)), AwsName):
        entry: Plain = {"name": reading.host, "accounts": [reading.account]}
        caution = "all that this service does, for every client with keys of that account"
        yield Edit(("hosts",), entry, words=2, caution=caution)


def _mend(document: Document, request: Request, rule: Document, alone: Decision) -> Iterator[Edit]:
    """What this one rule misses first."""
    name, reading = str(rule.get("id")), alone.reading
    reason = alone.would_deny or alone.reason
    if reason is Reason.OPERATION_NOT_ALLOWED:
        yield from _operations(name, alone)
    elif reason is Reason.KEY_NOT_ALLOWED:
        key = _key_pattern(request, alone)
        if key is not None:
            wide = f"all that rule `{name}` allows, for every key that begins so"
            yield Edit(("keys",), key, rule=name, caution=wide if key.endswith("*") else None)
    elif reason is Reason.CLIENT_NOT_ALLOWED:
        yield from _clients(document, request, name)
    elif reason is Reason.ACCOUNT_NOT_ALLOWED and reading.account is not None:
        yield Edit(("accounts",), reading.account, rule=name)
    elif reason is Reason.REGION_NOT_ALLOWED and reading.region is not None:
        yield Edit(("regions",), reading.region, rule=name)
    elif reason is Reason.ENCRYPTION_NOT_ALLOWED:
        caution = "writes may bring keys that lock the data away from its owner"
        yield Edit(("encryption",), "any", rule=name, caution=caution)


def _operations(rule: str, decision: Decision) -> Iterator[Edit]:
    """The operation, or what else its headers ask for; the sentence of the refusal begins with it."""
    missing = decision.detail.removeprefix("monitor mode only: ").partition(" ")[0]
    for name in dict.fromkeys((missing, decision.reading.operation)):
        if name is not None and name in OPERATION_CLASS:
            yield Edit(("allow",), name, rule=rule, caution=_of_operation(name))


def _of_operation(name: str) -> str | None:
    if OPERATION_CLASS[name] is OperationClass.ADMIN:
        return f"`{name}` is of class admin, which can open ways for others"
    return None


def _clients(document: Document, request: Request, rule: str) -> Iterator[Edit]:
    groups = document.get("clients")
    names = list(groups) if isinstance(groups, dict) else []
    for name in names:
        caution = f"all that rule `{rule}` allows, for every client of `{name}`"
        yield Edit(("clients",), name, rule=rule, caution=caution)
    address = request.client.address
    group = "client-" + address.replace(":", "-").replace(".", "-").strip("-")
    if group in names:
        return
    bits = 128 if ":" in address else 32
    yield Edit(("clients", group), {"cidrs": [f"{address}/{bits}"]}, words=3)


def _key_pattern(request: Request, decision: Decision) -> str | None:
    """The key, or the prefix that a list asks for; None when a pattern would match other keys too.

    A list without a prefix gets none: `*` would open every key to whatever else the rule allows.
    """
    key, star = decision.reading.key, ""
    if key is None:
        try:
            query = parse_query(request.target.partition("?")[2])
        except ReadError:
            return None
        key, star = query.get("prefix") or "", "*"
    return None if not key or "*" in key or "?" in key else key + star


def _preset(document: Document, decision: Decision) -> Iterator[Edit]:
    """The preset whose row the bucket is."""
    reading, listed = decision.reading, document.get("presets")
    for name, rows in PRESETS.items():
        row = next(
            (one for one in rows if (one.bucket, one.partition) == (reading.bucket, reading.partition)), None
        )
        if row is not None and not (isinstance(listed, list) and name in listed):
            yield Edit(
                ("presets",),
                name,
                caution="every row of that preset, read only: `s3gate check --show-presets`",
            )


def _new_rule(document: Document, decision: Decision) -> Iterator[Edit]:
    """A rule for exactly this, which keeps what the other rules for the bucket insist on."""
    reading = decision.reading
    named = classify_host(HostName(reading.host or ""))
    point = access_point_of(named) if isinstance(named, Endpoint) else None
    if reading.operation not in OPERATION_CLASS or not (point or reading.bucket):
        return
    if point is not None and not point.account:
        return
    key, value = ("access_point", point.arn) if point is not None else ("bucket", reading.bucket or "")
    yield from _rules(document, key, value, reading.operation or "", reading.key, decision)


def _rules(
    document: Document, target: str, name: str, operation: str, key: str | None, decision: Decision
) -> Iterator[Edit]:
    """A rule for one resource; one for each client group where the other rules limit clients."""
    others = [rule for rule in rules_of(document) if names_bucket(rule, name)]
    account = decision.reading.account
    if account is None and any("accounts" in rule for rule in others):
        return
    word = name.rpartition("/")[2].rpartition(":")[2][:60].strip("-._")
    taken = {str(rule.get("id")) for rule in rules_of(document)}
    identity = next(
        one for one in (word, *(f"{word}-{n}" for n in range(2, len(taken) + 3))) if one not in taken
    )
    made: Document = {"id": identity, target: name, "allow": [operation]}
    caution = _of_operation(operation)
    if key is not None and set(key) & {"*", "?"}:
        caution = "every key: no pattern stands for this one alone"
    elif key is not None:
        made["keys"] = [key]
    if account is not None:
        made["accounts"] = [account]
    owner = next((rule["owner"] for rule in others if "owner" in rule), None)
    if owner is not None:
        made["owner"] = owner
    endpoints = document.get("endpoints")
    partitions = endpoints.get("partitions") if isinstance(endpoints, dict) else None
    if isinstance(partitions, list) and len(partitions) > 1 and target == "bucket":
        made["partition"] = decision.reading.partition or partitions[0]
    groups = document.get("clients")
    limited = any("clients" in rule for rule in others)
    for group in (groups if isinstance(groups, dict) else ()) if limited else (None,):
        whole: Document = made if group is None else {**made, "clients": [group]}
        yield Edit(("rules",), whole, len(whole), rule=identity, caution=caution)


def _copied(document: Document, request: Request, decision: Decision) -> Iterator[Edit]:
    """What reading the source of a copy may miss; its own reason is not told apart."""
    source, reading = decision.reading.copy_source, decision.reading
    if source is None:
        return
    for rule in rules_of(document)[:MAX_RULES]:
        name = str(rule.get("id"))
        if not names_bucket(rule, source.bucket):
            continue
        yield Edit(("allow",), "GetObject", rule=name)
        if "keys" in rule and not set(source.key) & {"*", "?"}:
            yield Edit(("keys",), source.key, rule=name)
        if "accounts" in rule and reading.account is not None:
            yield Edit(("accounts",), reading.account, rule=name)
        if "clients" in rule:
            yield from _clients(document, request, name)
    target = "access_point" if source.bucket.startswith("arn:") else "bucket"
    yield from _rules(document, target, source.bucket, "GetObject", source.key, decision)
