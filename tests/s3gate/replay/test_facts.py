"""What is read of a record, and what is said not to be in it."""

from datetime import timedelta
from typing import cast

import pytest

from generate.asks import GOOD, NOW, OWN, Ask, policy
from generate.recorded import facts, record
from s3gate.audit.key_form import KeyForm
from s3gate.policy.decision import Reason
from s3gate.replay.facts import FIXED, Copied, read_connect, read_facts, read_past
from s3gate.replay.signer import NotReplayable
from s3gate.s3.credential import SignatureVersion

POLICY = policy()
PRESIGNED = Ask(
    key=None,
    target=f"/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={OWN}%2F20261122%2Fus-east-1%2Fs3%2Faws4_request"
    f"&X-Amz-Date=20261122T115900Z&X-Amz-Expires=61&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}",
)


def test_an_honest_request_is_read_whole() -> None:
    found = facts(POLICY, Ask(target="/a/b%20c"))
    assert (found.path, found.key, found.bucket, found.operation) == (
        "/a/b%20c",
        "a/b c",
        "good-bucket",
        "GetObject",
    )
    assert (found.connect, found.sni, found.host_header) == (f"{GOOD}:443", GOOD, GOOD)
    assert (found.hidden, found.prefix, found.bare) == (None, "", True)
    assert found.signer is not None
    assert (found.signer.version, found.signer.account) == (SignatureVersion.V4, "609629065308")
    assert (found.signer.region, found.signer.presigned) == (None, False), "a header's scope is not recorded"
    assert (found.past.reason, found.past.rule, found.past.time) == (Reason.ALLOWED_BY_RULE, "data", NOW)


def test_the_scope_and_the_end_of_a_presigned_request_are_recorded() -> None:
    signer = facts(POLICY, PRESIGNED).signer
    assert signer is not None
    assert (signer.region, signer.service, signer.presigned, signer.expired) == (
        "us-east-1",
        "s3",
        True,
        False,
    )


def test_a_presigned_request_that_came_too_late_is_known_as_such() -> None:
    written = record(POLICY, PRESIGNED) | {"time": (NOW + timedelta(seconds=1)).isoformat()}
    signer = read_facts(written, read_past(written)).signer
    assert signer is not None
    assert signer.expired


def test_a_copy_and_a_listing() -> None:
    copy = facts(POLICY, Ask(method="PUT", headers=(("x-amz-copy-source", "read-only/a%20b"),)))
    assert copy.copied == Copied("read-only", "a b")
    assert facts(POLICY, Ask(target="/?list-type=2&prefix=in%2Fa")).prefix == "in/a"


@pytest.mark.parametrize("form", ["hash", "omit"])
def test_with_hidden_keys_nothing_of_a_key_is_taken_from_anywhere(form: str) -> None:
    keys = KeyForm(form, b"s" * 32)
    found = facts(POLICY, Ask(method="PUT", headers=(("x-amz-copy-source", "read-only/secret"),)), keys)
    assert (found.path, found.copied) == (None, Copied("read-only", None))
    assert found.hidden == f"its key is not recorded (`key_form: {form}`)"
    assert facts(POLICY, Ask(target="/?prefix=secret"), keys).prefix is None


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/" + "k" * 2100, id="too long for a record"),
        pytest.param("/a/" + "0" * 64, id="holds the signature"),
        pytest.param("/a\\ud800".replace("\\", "%5C"), id="reads like an escaped byte"),
    ],
)
def test_a_key_that_the_record_altered_counts_as_hidden(target: str) -> None:
    assert facts(POLICY, Ask(target=target)).hidden == "its key was cut off or altered in the record"


def test_a_connect_is_read_as_one() -> None:
    written = record(POLICY, Ask())
    assert read_connect(written, read_past(written)) is None
    cast("dict[str, object]", written["request"])["method"] = "CONNECT"
    request = read_connect(written, read_past(written))
    assert request is not None
    assert (request.connect, request.client.address, request.now) == (f"{GOOD}:443", "10.0.0.1", NOW)


def test_a_connect_with_a_wrong_password_is_not_judged_as_its_user() -> None:
    written = record(POLICY, Ask()) | {"reason": "PROXY_AUTH_REQUIRED"}
    cast("dict[str, object]", written["request"])["method"] = "CONNECT"
    assert read_connect(written, read_past(written)) is not None, "without a password it was nobody"
    cast("dict[str, object]", written["client"])["user"] = "alice"
    with pytest.raises(NotReplayable, match="its password was wrong"):
        read_connect(written, read_past(written))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"method": None}, "it was refused before a request was read"),
        ({"host_header": None}, "it was refused before a request was read"),
        ({"connect": "[redacted]@" + GOOD}, "a name in it was cut off or taken out"),
    ],
)
def test_what_is_missing_is_told(change: dict[str, object], why: str) -> None:
    written = record(POLICY, Ask())
    cast("dict[str, object]", written["request"]).update(change)
    with pytest.raises(NotReplayable, match=why.replace("(", r"\(")):
        read_facts(written, read_past(written))


def test_a_password_is_not_recorded() -> None:
    written = record(POLICY, Ask()) | {"reason": "PROXY_AUTH_REQUIRED"}
    with pytest.raises(NotReplayable, match="password"):
        read_facts(written, read_past(written))


@pytest.mark.parametrize("change", [{"reason": "NEW_REASON"}, {"time": "yesterday"}, {"reason": None}])
def test_what_is_no_decision(change: dict[str, object]) -> None:
    with pytest.raises(NotReplayable, match="no record of a decision"):
        read_past(record(POLICY, Ask()) | change)


def test_no_list_changes_a_fixed_refusal() -> None:
    """What the list decides, or what hangs on a switch of the policy, must not be among them."""
    by_policy = {
        Reason.BUCKET_NOT_LISTED, Reason.HOST_NOT_LISTED, Reason.OPERATION_NOT_ALLOWED, Reason.KEY_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED, Reason.ACCOUNT_NOT_ALLOWED, Reason.REGION_NOT_ALLOWED,
        Reason.ENDPOINT_NOT_ALLOWED, Reason.COPY_SOURCE_NOT_LISTED, Reason.PATH_STYLE_NOT_ALLOWED,
        Reason.PLAIN_HTTP, Reason.UNSIGNED_REQUEST, Reason.SIGNATURE_VERSION, Reason.CREDENTIAL_SCOPE_MISMATCH,
        Reason.BUCKET_OWNER_NOT_PROVEN, Reason.ENCRYPTION_NOT_ALLOWED, Reason.POLICY_UNAVAILABLE,
        Reason.PROXY_AUTH_REQUIRED, Reason.ALLOWED_BY_RULE, Reason.ALLOWED_HOST, Reason.ALLOWED_PRESET,
        Reason.MONITOR_ONLY,
    }  # fmt: skip
    assert set(Reason) - by_policy == FIXED
