"""What the gate and its shipping process say to each other, a JSON line each. Pure.

The gate says one line: where the journals are, where to. The process says one a second:
how delivery of each stands.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from s3gate.audit.shipper import ShipperHealth, SinkHealth


@dataclass(frozen=True, slots=True)
class Order:
    """What a shipping process is to do.

    Args:
        directory: that of all writers; the name of each one's own is its log stream.
        region: AWS region, or None for that of the environment.
        group: log group.
        endpoint_url: another endpoint than the region's, or None.
        keep_bytes: shipped segments stay while all of a journal hold no more than this.
    """

    directory: str
    region: str | None
    group: str
    endpoint_url: str | None
    keep_bytes: int

    def to_line(self) -> bytes:
        """As the first line of standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Order":
        """Read back.

        Raises:
            ValueError: it is no order.
        """
        try:
            return cls(**json.loads(line))
        except TypeError as exc:
            raise ValueError("the first line is no order") from exc


def render_status(health: Sequence[tuple[str, ShipperHealth]]) -> bytes:
    """One status line: the health of each writer's shipping."""
    return json.dumps({writer: asdict(one) for writer, one in health}).encode() + b"\n"


def parse_status(line: bytes) -> dict[str, ShipperHealth]:
    """Read a status line back.

    Raises:
        ValueError: it is none.
    """
    try:
        return {
            writer: ShipperHealth(**(fields | {"sink": SinkHealth(**fields["sink"])}))
            for writer, fields in json.loads(line).items()
        }
    except (TypeError, KeyError, AttributeError) as exc:
        raise ValueError("the line is no status") from exc
