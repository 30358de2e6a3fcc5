"""The users file changes under the running gate: an open tunnel's next request is judged by what it says now."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from e2e.front_door import SECONDS, front_door, get, tunnel
from e2e.rig import GOOD, POLICY

pytestmark = pytest.mark.e2e

SEEN_S = 3 * SECONDS  # it looks each second; both cores are busy asking, each answer waits for the disk

PEOPLE = POLICY.replace("rules:", "clients: {people: {users: [alice, bob]}}\nrules:").replace(
    "delete]}", "delete], clients: [people]}"
)


def line(user: str, password: str) -> str:
    return f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"


def credentials(user: str, password: str) -> str:
    return f"Proxy-Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}\r\n"


BOB = line("bob", "other")
CHANGES = {
    "deleted": "",
    "another password": line("alice", "changed"),
    "the same password, hashed anew": line("alice", "secret"),
    "another's hash": BOB.replace("bob", "alice"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_whoever_came_by_another_hash_is_refused_in_an_open_tunnel(tmp_path: Path, change: str) -> None:
    (tmp_path / "users").write_text(BOB + line("alice", "secret"))
    async with front_door(tmp_path, PEOPLE) as door:
        process, port, _ = await door.start(workers=2, more=f"users: {tmp_path / 'users'}\n")
        alice, bob = credentials("alice", "secret"), credentials("bob", "other")
        async with (
            tunnel(port, door.context, GOOD, b"", alice) as hers,
            tunnel(port, door.context, GOOD, b"", bob) as his,
        ):
            assert [(await get(*one, "before")).status for one in (hers, his)] == [200, 200]
            (tmp_path / "new").write_text(BOB + change)
            (tmp_path / "new").replace(tmp_path / "users")
            async with asyncio.timeout(SEEN_S):
                while (answer := await get(*hers, "meanwhile")).status == 200:
                    pass  # the gate looks at the file each second
            reached = len(door.asked)
            assert (answer.status, answer.headers["x-s3gate-reason"]) == (403, "proxy_auth_required")
            assert len(door.asked) == reached
            assert (await get(*his, "after")).status == 200, "nobody else is disturbed"
        assert (await door.stop(process))[0] == 0
        told: list[Any] = [one for one in door.records if one["event"] == "egress"]
        denied = [
            (one["reason"], one["client"]["user"], one["decision_id"].lower())
            for one in told
            if one["decision"] == "deny"
        ]
        assert denied == [("PROXY_AUTH_REQUIRED", "alice", answer.headers["x-amz-request-id"])]
        assert len(told) - 1 == len(door.asked)
