"""A request gets the user whose password it holds, a tunnel's that of its CONNECT; nothing else proves one."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import bcrypt

from s3gate.policy.reading import Client, Request
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.identity import identify, recall
from s3gate.proxy.passwords import Passwords

USERS = {"alice": bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()}
CLIENT = Client("10.0.0.1", 4711, vpc_endpoint="vpce-0123456789abcdef0")


def exchange(*sent: str, name: str = "Proxy-Authorization") -> Exchange:
    headers = tuple((name, "Basic " + b64encode(one.encode()).decode()) for one in sent)
    now = datetime.now(UTC)
    return Exchange(Request("CONNECT", "http", None, "h:443", headers, "h:443", None, CLIENT, now), "01ID")


async def found(passwords: Passwords | None, one: Exchange) -> tuple[str | None, str | None, bool]:
    """User, what is unproven, whether there is a proof."""
    await identify(passwords, one)
    client = one.request.client
    assert replace(client, user=None, unproven=None) == CLIENT, "the rest stays as it was"
    return client.user, client.unproven, one.proof is not None


async def test_the_right_password() -> None:
    assert await found(Passwords(USERS), exchange("alice:secret")) == ("alice", None, True)
    assert await found(Passwords(USERS), exchange("alice:secret", name="proxy-AUTHORIZATION")) == (
        "alice",
        None,
        True,
    )


async def test_what_proves_nothing() -> None:
    passwords = Passwords(USERS)
    assert await found(passwords, exchange("alice:wrong")) == (None, "alice", False)
    assert await found(passwords, exchange("secret:alice")) == (None, "", False)
    assert await found(passwords, exchange("alice:secret", "alice:secret")) == (None, "", False)
    assert await found(passwords, exchange("alice")) == (None, "", False)


async def test_where_nothing_is_sent_or_asked() -> None:
    assert await found(Passwords(USERS), exchange()) == (None, None, False)
    assert await found(Passwords(USERS), exchange("alice:secret", name="Authorization")) == (
        None,
        None,
        False,
    )
    assert await found(None, exchange("alice:wrong")) == (None, None, False)


def tunnelled(user: str | None, proof: str | None) -> Exchange:
    one = exchange()
    one.request = replace(one.request, client=replace(CLIENT, user=user))
    one.proof = proof
    return one


def test_a_tunnel_keeps_its_user_as_long_as_the_hash_stays() -> None:
    passwords, one = Passwords(USERS), tunnelled("alice", USERS["alice"])
    recall(passwords, one)
    assert (one.request.client.user, one.request.client.unproven) == ("alice", None)
    passwords.renew({})
    recall(passwords, one)
    assert (one.request.client.user, one.request.client.unproven) == (None, "alice")


def test_a_tunnel_without_a_user_stays_so() -> None:
    one = tunnelled(None, None)
    recall(None, one)
    assert one.request.client == CLIENT


def test_a_user_without_a_proof_is_none() -> None:
    for passwords, proof in ((Passwords(USERS), None), (None, USERS["alice"])):
        one = tunnelled("alice", proof)
        recall(passwords, one)
        assert (one.request.client.user, one.request.client.unproven) == (None, "alice")
