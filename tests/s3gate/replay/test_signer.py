"""Who signed, as far as a record says."""

from typing import cast

import pytest

from generate.asks import NOW, Ask, policy
from generate.recorded import record
from s3gate.replay.facts import read_facts, read_past
from s3gate.replay.signer import NotReplayable, read_signer, text_of

POLICY = policy()


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        ({"access_key_id": None}, "who signed it was not read"),
        ({"signature_version": "other"}, "its kind of signature is not known"),
        ({"presigned": True}, "how long its signature holds is not recorded"),
    ],
)
def test_a_signer_that_the_record_does_not_tell(identity: dict[str, object], why: str) -> None:
    written = record(POLICY, Ask())
    cast("dict[str, object]", written["identity"]).update(identity)
    with pytest.raises(NotReplayable, match=why):
        read_facts(written, read_past(written))


@pytest.mark.parametrize(
    ("query", "expired"),
    [
        ("Expires=1795348800&AWSAccessKeyId=A&Signature=[28 bytes]", True),
        ("Expires=1795348801&AWSAccessKeyId=A&Signature=[28 bytes]", False),
    ],
)
def test_an_old_presigned_request_ends_at_its_second(query: str, *, expired: bool) -> None:
    identity = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "signature_version": "v2", "presigned": True}
    assert NOW.timestamp() == 1795348800
    signer = read_signer(identity, query, NOW, fixed=False)
    assert signer is not None
    assert signer.expired is expired


def test_nobody_signed_or_it_does_not_matter() -> None:
    assert read_signer({"signature_version": None}, "", NOW, fixed=False) is None
    assert read_signer({"signature_version": "v4"}, "", NOW, fixed=True) is None


def test_only_text_is_text() -> None:
    assert text_of({"a": "b"}, "a") == "b"
    assert text_of({"a": 1}, "a") is None
