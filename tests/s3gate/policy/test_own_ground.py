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


ALIAS = "app-ufgrh7nm9sebaxx6q5ssiyayn3mmbeuw1a-s3alias"
MONITORED = HEAD.replace("standard", "standard, access-point") + (
    "mode: monitor\nuntil: 2026-07-02\nunsigned: allow\n"
    'rules:\n  - {id: r, access_point: "arn:aws:s3:eu-west-1:111122223333:accesspoint/known", allow: [read]}\n'
)
UNSEEN = [
    ("an access point", "PUT", "app-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k", None, Reason.BUCKET_NOT_LISTED),
    ("deleting by it", "DELETE", "app-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k", None, Reason.BUCKET_NOT_LISTED),
    ("its alias", "PUT", f"{ALIAS}.s3.eu-west-1.amazonaws.com/k", None, Reason.ENDPOINT_NOT_ALLOWED),
    ("its alias in the path", "PUT", f"s3.eu-west-1.amazonaws.com/{ALIAS}/k", None, Reason.ENDPOINT_NOT_ALLOWED),
    ("a multi-region one", "PUT", "abc.mrap.accesspoint.s3-global.amazonaws.com/k", None, Reason.ENDPOINT_NOT_ALLOWED),
    ("object lambda", "PUT", "app-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/k", None, Reason.ENDPOINT_NOT_ALLOWED),
    ("a copy out of it", "PUT", "any-bucket.s3.eu-west-1.amazonaws.com/k", "own-bucket/policy.yaml", Reason.BUCKET_NOT_LISTED),
    ("another copy", "PUT", "any-bucket.s3.eu-west-1.amazonaws.com/k", "other-bucket/k", Reason.MONITOR_ONLY),
    ("reading by an access point", "GET", "app-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k", None, Reason.MONITOR_ONLY),
    ("one that a rule lists", "PUT", "known-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k", None, Reason.MONITOR_ONLY),
]  # fmt: skip


@pytest.mark.parametrize(("method", "place", "source", "reason"), [row[1:] for row in UNSEEN], ids=[row[0] for row in UNSEEN])  # fmt: skip
def test_monitor_mode_does_not_open_what_may_lie_behind_a_name(
    method: str, place: str, source: str | None, reason: Reason
) -> None:
    """Which bucket an access point or an alias stands for no request tells: it may be the gate's own."""
    policy = load_policy(SourceText(MONITORED.encode(), "v"), GROUND)
    headers = {"Host": place.split("/", maxsplit=1)[0], **({"x-amz-copy-source": source} if source else {})}
    request = build_request({"method": method, "url": f"https://{place}", "headers": headers}, NOW)
    assert decide_request(policy, request).reason is reason
    everywhere = load_policy(SourceText(MONITORED.encode(), "v"))
    assert decide_request(everywhere, request).reason is Reason.MONITOR_ONLY


def test_monitor_mode_does_not_open_its_services() -> None:
    text = HEAD + "mode: monitor\nuntil: 2026-07-02\n"
    policy = load_policy(SourceText(text.encode(), "v"), GROUND)
    for service, refused in (("ssm", True), ("sts", False)):
        url = f"https://{service}.eu-west-1.amazonaws.com/"
        request = build_request({"method": "POST", "url": url}, NOW)
        assert (decide_request(policy, request).reason is Reason.HOST_NOT_LISTED) is refused
        assert decide_connect(policy, request) is None or refused
