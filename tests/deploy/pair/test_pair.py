"""Two instances behind a load balancer lose nothing while one is killed, both are rolled, policy and CA change.

HAProxy stands in for the network load balancer; `balancer.py` says in what they differ. A
killed instance is one whose processes end at one moment: its disk stays, and its kernel
still refuses who comes. A machine that loses its power says nothing to anybody, and its
clients wait for their own time-outs.
"""

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.pair.surroundings import POLICY, Pair, run_pair
from e2e.front_door import tunnel, until

pytestmark = [pytest.mark.e2e, pytest.mark.needs_program("haproxy")]

NEEDED = {"put": 1, "get": 2}  # requests of boto3; it asks for the size first
SOME = 40  # calls of users, whatever became of them


async def test_an_instance_is_killed(tmp_path: Path) -> None:
    """Users try again by themselves, and come to the other; the dead one's journal is whole."""
    async with run_pair(tmp_path) as pair:
        load = pair.load()
        async with pair.transfers("a") as keys:
            assert pair.balancer.standing()["a"].now == len(keys)
            async with load.running():
                await load.more(SOME)
                pair.a.kill()
                killed = datetime.now(UTC)
                await pair.balancer.until(a="DOWN")
                await load.more(SOME)
                await until(lambda: pair.asked_for(*keys) == 2 * len(keys))
                await pair.start("a")
                await load.more(SOME)
        await pair.check_books(load.outcomes)
        theirs: list[Any] = [one for one in pair.a.records() if one["event"] == "egress"]
        before = {one["decision"] for one in theirs if datetime.fromisoformat(one["time"]) < killed}
        assert before == {"allow", "deny"}, "the dead one had something to lose"


async def roll(pair: Pair, name: str) -> None:
    """Stop an instance in the middle of transfers, start another in its place."""
    instance = pair.instances[name]
    async with pair.transfers(name) as keys:
        instance.terminate()
        await pair.balancer.until(**{name: "DOWN"})
        await until(lambda: not instance.listens())
        assert pair.balancer.standing()[name].now >= len(keys), "it is left with what it has"
    assert pair.asked_for(*keys) == len(keys)
    assert await instance.ended() == 0
    await pair.start(name)


async def trusts(pair: Pair, number: int) -> bool:
    """Whether one who trusts only this CA comes through both instances."""
    context = ssl.create_default_context(cadata=pair.cas[number][0].decode())
    try:
        for _ in pair.instances:  # the balancer takes turns
            async with tunnel(pair.balancer.port, context):
                pass
    except ssl.SSLCertVerificationError:
        return False
    return True


async def test_both_are_rolled_and_get_another_ca(tmp_path: Path) -> None:
    """No transfer is cut, no handshake fails, and no user even has to try again."""
    async with run_pair(tmp_path) as pair:
        assert (await trusts(pair, 0), await trusts(pair, 1)) == (True, False)
        load = pair.load()
        async with load.running():
            await load.more(SOME)
            for name, instance in pair.instances.items():
                instance.give_ca(*pair.cas[1])
                await roll(pair, name)
                await load.more(SOME)
        assert (await trusts(pair, 0), await trusts(pair, 1)) == (False, True)
        await pair.check_books(load.outcomes)
        assert [one for one in load.outcomes if one.sent > NEEDED[one.verb]] == []


async def test_a_balancer_that_cuts_what_an_unready_target_has(tmp_path: Path) -> None:
    """Why the target group must not do so, as it does by default: each transfer begins anew elsewhere."""
    async with run_pair(tmp_path, cuts_when_down=True) as pair:
        async with pair.transfers("a") as keys:
            pair.a.terminate()
            await pair.balancer.until(a="DOWN")
            await until(lambda: pair.asked_for(*keys) == 2 * len(keys))
        assert await pair.a.ended() == 0


async def test_a_new_policy_on_both(tmp_path: Path) -> None:
    """It is in force in open tunnels too as soon as `s3gate reload` has returned on both."""
    async with run_pair(tmp_path) as pair:
        load = pair.load()
        async with load.running():
            await load.more(2 * SOME)
            asked = time.monotonic()
            for instance in pair.instances.values():
                (instance.directory / "new").write_text(POLICY.replace("early-", "late-"))
                (instance.directory / "new").replace(instance.directory / "policy.yaml")
                code, output = await instance.command("reload")
                assert code == 0, output
            done = time.monotonic()
            await load.more(2 * SOME)
        await pair.check_books(load.outcomes)
        swapped = [one for one in load.outcomes if one.bucket in ("early-bucket", "late-bucket")]
        before = {(one.bucket, one.outcome) for one in swapped if one.ended < asked}
        after = {(one.bucket, one.outcome) for one in swapped if one.began > done}
        assert before == {("early-bucket", "done"), ("late-bucket", "refused")}
        assert after == {("early-bucket", "refused"), ("late-bucket", "done")}
        closed = {one.key for one in swapped if one.bucket == "early-bucket" and one.began > done}
        assert not closed & {key for _, bucket, key in pair.store.asked if bucket == "early-bucket"}
