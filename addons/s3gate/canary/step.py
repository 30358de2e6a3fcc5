"""One link of the chain, tried: whether it held, when, and what to do where it did not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError


class AwsSilent(Exception):
    """AWS could not be asked; the text says what, why and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one link.

    Args:
        name: of the link.
        held: whether it did what it is there for.
        detail: one sentence.
        time: when it happened, or None where that says nothing.
        then: what to do next where it did not hold.
    """

    name: str
    held: bool
    detail: str
    time: datetime | None = None
    then: str | None = None


@contextmanager
def asking(action: str) -> Iterator[None]:
    """Map what boto3 raises.

    Args:
        action: the API action, which the credentials must allow.

    Raises:
        AwsSilent: the call did not succeed.
    """
    try:
        yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "Unknown")
        raise AwsSilent(
            f"AWS answered {code} to {action}: look at region, log group and permissions"
        ) from exc
    except BotoCoreError as exc:
        why = " ".join(str(exc).split())
        raise AwsSilent(f"AWS could not be asked for {action}: {why}") from exc
