"""What about the presets of a valid policy deserves a second look: warnings, never errors.

Normally there is none: each preset has rows for every listed region, its clients may spell its buckets
the way they do, and no rule seems to narrow it.
"""

from collections.abc import Iterator

from s3gate.policy.located import Node
from s3gate.policy.mistake import Mistake, quote
from s3gate.policy.model import Policy, Rule
from s3gate.policy.preset import PRESETS, REACHED_BY, Asked
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import HostName


def find_preset_warnings(policy: Policy, root: Node) -> Iterator[Mistake]:
    """Every warning about presets, in no order.

    Args:
        policy: as read from the document.
        root: the document, for the places.
    """
    if not policy.presets:
        return
    for name, node in zip(policy.presets, root.at(("presets",)).items, strict=True):
        yield from _regions(policy, name, node)
        yield from _spelling(policy, name, node)
    for rule, node in zip(policy.rules, root.at(("rules",)).items, strict=True):
        yield from _beside(policy, rule, node)


def _regions(policy: Policy, name: str, node: Node) -> Iterator[Mistake]:
    missing = policy.regions - {row.region for row in PRESETS[name]}
    if missing:
        listed = ", ".join(f"`{one}`" for one in sorted(missing))
        yield Mistake(
            node.line,
            node.column,
            f"preset {quote(name)} knows no bucket in {listed}: it opens nothing there",
            "write a rule with the bucket that you know to be the service's; a name is never guessed",
        )


def _spelling(policy: Policy, name: str, node: Node) -> Iterator[Mistake]:
    """Whether the clients of a preset may ask the way they do."""
    asked = {row.asked for row in PRESETS[name]}
    if policy.classes.isdisjoint(REACHED_BY):
        yield Mistake(
            node.line,
            node.column,
            f"preset {quote(name)} opens nothing: its buckets are not reached by the listed endpoint classes",
            "add `standard` to `classes`",
        )
        return
    if Asked.PATH in asked and not policy.path_style:
        yield Mistake(
            node.line,
            node.column,
            f"clients of preset {quote(name)} name its buckets in the path, which is refused",
            "write `path_style: allow`",
        )
    if Asked.DUALSTACK in asked and EndpointClass.DUALSTACK not in policy.classes:
        yield Mistake(
            node.line,
            node.column,
            f"clients of preset {quote(name)} ask at dualstack names, which are not open",
            "add `dualstack` to `classes`",
        )


def _beside(policy: Policy, rule: Rule, node: Node) -> Iterator[Mistake]:
    """A rule for a bucket of a preset adds to it: the row stays open to every client."""
    key, bucket = "bucket", rule.bucket
    if rule.fqdn is not None:
        place = classify_host(HostName(rule.fqdn))
        key, bucket = "fqdn", place.label if isinstance(place, Endpoint) else None
    listed = policy.by_bucket.get((rule.partition, bucket or ""), ())
    row = listed[-1].preset if listed else None
    if row is not None:
        where = node.at((key,))
        yield Mistake(
            where.line,
            where.column,
            f"rule {quote(rule.id)} does not narrow preset {quote(row.preset)}, which lists this bucket too",
            "delete the preset, or the rule if it was meant to narrow",
        )
