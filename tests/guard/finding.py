"""What a guard rule says about a resource that breaks it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guard.deployment import Deployment
from guard.template import Made


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake.

    Args:
        file: the template.
        resource: logical id.
        what: one sentence.
    """

    file: str
    resource: str
    what: str


Rule = Callable[[Deployment], Iterator[Finding]]


def finding(made: Made, what: str) -> Finding:
    """A mistake of this resource."""
    return Finding(made.file, made.name, what)
