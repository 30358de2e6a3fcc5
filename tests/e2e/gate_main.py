"""The gate alone in a process: settings as JSON in argv, its port as the first line of stdout, records as the rest."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from s3gate.policy.decision import Decision
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import Request
from s3gate.proxy.authority import Authority
from s3gate.proxy.ports import Completion, Upstream
from s3gate.proxy.runtime import Gate, RuntimeSettings, serve


class Printer:
    """Prints each record as one line: its kind, reason and time."""

    async def decision(
        self, decision: Decision, _request: Request, _upstream: Upstream | None, _id: str
    ) -> None:
        print("decision", decision.reason, datetime.now(UTC).timestamp(), flush=True)

    def completion(self, done: Completion) -> None:
        print("completion", done.reason, done.complete, done.bytes_up, done.bytes_down, flush=True)

    async def settle(self) -> None:
        """Printed is printed."""


class Fixed:
    """One policy for ever."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def current(self) -> Policy:
        return self._policy


def main() -> None:
    given = json.loads(sys.argv[1])
    authority = Authority.from_pem(Path(given["ca"]).read_bytes(), Path(given["ca_key"]).read_bytes())
    ids = count(1)
    settings = RuntimeSettings(
        authority=authority,
        host="127.0.0.1",
        port=0,
        nameservers=(given["nameserver"],),
        networks=parse_networks(["127.0.0.0/8"]),
        ca_bundle=Path(given["ca_bundle"]),
        upstream_port=given["upstream_port"],
        drain_s=given.get("drain_s", 5.0),
    )
    policy = Fixed(parse_policy(Path(given["policy"]).read_bytes()))
    gate = Gate(settings, policy, Printer(), lambda: f"01TEST{next(ids):020d}")
    asyncio.run(serve(gate, lambda port: print(port, flush=True)))


if __name__ == "__main__":
    main()
