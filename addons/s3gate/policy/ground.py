"""What the gate itself stands on: the places that hold its policy, its CA, its artifacts, its archive.

The normal case: buckets by name and services by the labels of their hosts. Whoever can
write there decides what the gate allows, so no list opens them (`own_ground.py`), nor does
monitor mode (`walk.py`).
"""

from dataclasses import dataclass
from typing import Final

from s3gate.policy.source import Remote, Scheme
from s3gate.s3.operation import OperationClass

HARMLESS: Final = frozenset({OperationClass.READ, OperationClass.LIST})
"""What may be done with its buckets."""

# The first label of the services' hosts (botocore's endpointPrefix), control and data side.
_HOSTS: Final = {
    Scheme.SSM: frozenset({"ssm"}),
    Scheme.APPCONFIG: frozenset({"appconfig", "appconfigdata"}),
    Scheme.SECRETSMANAGER: frozenset({"secretsmanager"}),
}


@dataclass(frozen=True, slots=True)
class OwnGround:
    """What must stay closed.

    Args:
        buckets: hold the gate's policy, artifacts or archive.
        services: hold its policy or CA; labels of their hosts.
    """

    buckets: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    @classmethod
    def of(cls, places: tuple[Remote, ...], buckets: tuple[str, ...] = ()) -> "OwnGround":
        """The ground that these places are.

        Args:
            places: of the policy and the CA.
            buckets: others, as the settings list them.
        """
        held = {place.parts[0] for place in places if place.scheme is Scheme.S3}
        services = {name for place in places for name in _HOSTS.get(place.scheme, ())}
        return cls(frozenset(held | set(buckets)), frozenset(services))

    def holds_host(self, name: str) -> bool:
        """Whether a host name is one of its services'."""
        return any(label.removesuffix("-fips") in self.services for label in name.split("."))


NO_GROUND: Final = OwnGround()
