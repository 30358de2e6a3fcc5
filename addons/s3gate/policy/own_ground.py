"""What in a policy would open the gate's own ground, and with it the policy itself.

The normal case: nothing of it is listed. A rule that lets clients write a bucket that holds
the gate's policy, artifacts or archive is a mistake in the policy, and so is a host of the
service that holds its policy or CA: whoever writes there decides what the gate allows.
"""

from collections.abc import Iterator

from s3gate.policy.ground import HARMLESS, OwnGround
from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, PolicyErrors, quote
from s3gate.policy.model import Policy, Rule
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.operation import OPERATION_CLASS


def check_ground(policy: Policy, root: Node, ground: OwnGround) -> None:
    """Refuse a policy that opens the gate's own ground.

    Args:
        policy: as read from the document.
        root: the document, for the places.
        ground: what must stay closed.

    Raises:
        PolicyErrors: with every row that does.
    """
    if openings := tuple(_find_openings(policy, root, ground)):
        raise PolicyErrors(openings)


def _find_openings(policy: Policy, root: Node, ground: OwnGround) -> Iterator[Mistake]:
    for rule, node in zip(policy.rules, root.at(("rules",)).items, strict=True):
        bucket = _bucket_of(rule)
        if bucket in ground.buckets and _writes(rule):
            where = node.at(("allow",))
            yield Mistake(
                where.line,
                where.column,
                f"rule {quote(rule.id)} lets clients write {quote(bucket)}, which holds the gate's own files",
                "write `allow: [read, list]`, or keep the gate's files in a bucket of their own",
            )
    for node in root.at(("hosts",)).items:
        name = node.at(("name",))
        if ground.holds_host(str(name.value)):
            yield Mistake(
                name.line,
                name.column,
                f"{quote(name.value)} is the service that holds the gate's own policy or CA",
                "delete it, or keep the gate's policy and CA elsewhere",
            )


def _writes(rule: Rule) -> bool:
    classes = {OPERATION_CLASS[name] for name in rule.operations} | rule.classes
    return bool(classes - HARMLESS)


def _bucket_of(rule: Rule) -> str | None:
    if rule.fqdn is None:
        return rule.bucket
    place = classify_host(HostName(rule.fqdn))
    return place.label if isinstance(place, Endpoint) else None
