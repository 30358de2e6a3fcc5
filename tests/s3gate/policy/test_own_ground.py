"""No row may open the gate's own ground, and monitor mode does not either."""

from datetime import UTC, datetime

import pytest

from s3gate.loading import load_policy
from s3gate.policy.decide import decide_connect, decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.described_request import build_request
from s3gate.policy.ground import OwnGround
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.source import SourceText

GROUND = OwnGround(frozenset({"own-bucket"}), frozenset({"ssm"}))
HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"
NOW = datetime(2026, 7, 1, tzinfo=UTC)

OPEN = {
    "write": ("rules:\n  - {id: r, bucket: own-bucket, allow: [read, write]}\n", (4, 41)),
    "delete": ("rules:\n  - {id: r, bucket: own-bucket, allow: [delete]}\n", (4, 41)),
    "admin": ("rules:\n  - {id: r, bucket: own-bucket, allow: [admin]}\n", (4, 41)),
    "one operation": ("rules:\n  - {id: r, bucket: own-bucket, allow: [PutObject]}\n", (4, 41)),
    "by its host": (
        "rules:\n  - {id: r, fqdn: own-bucket.s3.eu-west-1.amazonaws.com, allow: [write]}\n", (4, 66),
    ),
    "only watched": (
        "rules:\n  - {id: r, bucket: own-bucket, allow: [write], mode: monitor, until: 2026-07-02}\n", (4, 41),
    ),
    "the service": (
        'hosts:\n  - {name: ssm.eu-west-1.amazonaws.com, accounts: ["111122223333"]}\n', (4, 12),
    ),
}  # fmt: skip
CLOSED = {
    "read": "rules:\n  - {id: r, bucket: own-bucket, allow: [read, list, GetObject]}\n",
    "another bucket": "rules:\n  - {id: r, bucket: other-bucket, allow: [write]}\n",
    "another service": 'hosts:\n  - {name: sts.eu-west-1.amazonaws.com, accounts: ["111122223333"]}\n',
}


@pytest.mark.parametrize(("rows", "place"), OPEN.values(), ids=OPEN)
def test_what_opens_it_is_a_mistake_at_its_place(rows: str, place: tuple[int, int]) -> None:
    with pytest.raises(PolicyErrors) as refused:
        load_policy(SourceText((HEAD + rows).encode(), "v"), GROUND)
    (mistake,) = refused.value.mistakes
    assert (mistake.line, mistake.message.count("gate's own")) == (place[0], 1)


@pytest.mark.parametrize("rows", CLOSED.values(), ids=CLOSED)
def test_what_does_not_is_fine(rows: str) -> None:
    assert load_policy(SourceText((HEAD + rows).encode(), "v"), GROUND).ground == GROUND


@pytest.mark.parametrize(
    ("bucket", "reason"), [("own-bucket", Reason.BUCKET_NOT_LISTED), ("any-bucket", Reason.MONITOR_ONLY)]
)
def test_monitor_mode_does_not_open_it(bucket: str, reason: Reason) -> None:
    text = HEAD + "mode: monitor\nuntil: 2026-07-02\nunsigned: allow\n"
    policy = load_policy(SourceText(text.encode(), "v"), GROUND)
    url = f"https://{bucket}.s3.eu-west-1.amazonaws.com/k"
    request = build_request({"method": "PUT", "url": url}, NOW)
    assert decide_request(policy, request).reason is reason


def test_monitor_mode_does_not_open_its_services() -> None:
    text = HEAD + "mode: monitor\nuntil: 2026-07-02\n"
    policy = load_policy(SourceText(text.encode(), "v"), GROUND)
    for service, refused in (("ssm", True), ("sts", False)):
        url = f"https://{service}.eu-west-1.amazonaws.com/"
        request = build_request({"method": "POST", "url": url}, NOW)
        assert (decide_request(policy, request).reason is Reason.HOST_NOT_LISTED) is refused
        assert decide_connect(policy, request) is None or refused
