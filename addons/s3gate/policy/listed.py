"""What the policy lists at its top, as written: the rules below it must stay inside.

Normally each is a set of words. None means that the section is missing or no list:
then that mistake is told, and nothing below is blamed for it.
"""

from dataclasses import dataclass

from s3gate.policy.located import Node


@dataclass(frozen=True, slots=True)
class Listed:
    """The words of `endpoints` and the names of `clients`, not yet judged themselves."""

    partitions: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    clients: frozenset[str] | None = frozenset()


def read_listed(root: Node) -> Listed:
    """What the sections at the top of a document list.

    Args:
        root: the whole document.
    """
    clients = root.children.get("clients")
    if clients is None:
        names: frozenset[str] | None = frozenset()
    else:
        names = frozenset(clients.value) if isinstance(clients.value, dict) else None
    return Listed(_words(root, "partitions"), _words(root, "regions"), _words(root, "classes"), names)


def _words(root: Node, key: str) -> frozenset[str] | None:
    section = root.value.get("endpoints") if isinstance(root.value, dict) else None
    value = section.get(key) if isinstance(section, dict) else None
    if not isinstance(value, list):
        return None
    return frozenset(one for one in value if isinstance(one, str))
