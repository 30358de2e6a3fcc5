"""What another policy says of recorded decisions, held against what it says of the requests themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from generate.asks import FOREIGN, GOOD, NOW, OWN, POLICY, REGION, ROOT, Ask, policy
from generate.recorded import record
from s3gate.audit.key_form import FULL, KeyForm
from s3gate.audit.record import render_decision
from s3gate.policy.decide import decide_connect, decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.model import Policy
from s3gate.replay.replayer import Answer, Outcome, Replayer, Verdict

R = Reason
BASE = policy()
WATCHED = policy("mode: monitor\nuntil: 2026-11-22\n")
OTHERS = {
    "itself": BASE,
    "watched": WATCHED,
    "watched, but over": policy("mode: monitor\nuntil: 2026-11-21\n"),
    "bare": policy(text=POLICY.replace("rules:", "rules:\n  - {id: only, bucket: one-op, allow: [read]}\nhosts: []\n").split("  - {id: data")[0]),
    "reads only": policy(text=POLICY.replace("[read, write, list, delete]", "[read]")),
    "no lists": policy(text=POLICY.replace("read, write, list, delete", "read, write, delete")),
    "other keys": policy(text=POLICY.replace("incoming/*", "incoming/a*")),
    "keys on all": policy(text=POLICY.replace("delete]}", 'delete], keys: ["k*", "in/*"]}')),
    "clients on all": policy(text=POLICY.replace("delete]}", "delete], clients: [batch]}")),
    "accounts on all": policy(text=POLICY.replace("delete]}", 'delete], accounts: ["609629065308"]}')),
    "owner": policy(text=POLICY.replace("delete]}", 'delete], owner: "609629065308"}')),
    "acls by name": policy(text=POLICY.replace("delete]}", "delete, PutObjectAcl]}")),
    "no path style": policy(text=POLICY.replace("path_style: allow", "path_style: deny")),
    "another region": policy(text=POLICY.replace(f"[{REGION}, us-east-1]", "[us-east-1]").replace(f"  - {{id: name, fqdn: named.s3.{REGION}.amazonaws.com, allow: [read]}}\n", "")),
    "deny at connect": policy("deny_at: connect\n"),
    "unsigned": policy("unsigned: allow\n"),
    "v2": policy("sigv2: allow\n"),
    "evil listed": policy(text=POLICY.replace("rules:\n", "rules:\n  - {id: evil, bucket: evil-bucket, allow: [read, write]}\n")),
    "any key of one's own": policy(text=POLICY.replace("delete]}", "delete], encryption: any}")),
    "plain": policy("plain_http: head\n"),
    "no hosts": policy(text=POLICY.split("hosts:")[0]),
}  # fmt: skip

KEYED = f"keyed.s3.{REGION}.amazonaws.com"
PRESIGNED = (
    f"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={OWN}%2F20261122%2F{REGION}%2Fs3%2Faws4_request"
    "&X-Amz-Date=20261122T115900Z&X-Amz-Expires={}&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64
)
ASKS = {
    "get": Ask(),
    "put": Ask(method="PUT"),
    "put with a public acl": Ask(method="PUT", headers=(("x-amz-acl", "public-read"),)),
    "put with tags": Ask(method="PUT", headers=(("x-amz-tagging", "a=b"),)),
    "get with a lock": Ask(headers=(("x-amz-object-lock-mode", "GOVERNANCE"),)),
    "put with a key of its own": Ask(method="PUT", headers=(("x-amz-server-side-encryption-customer-algorithm", "AES256"),)),
    "put with its owner": Ask(method="PUT", headers=(("x-amz-expected-bucket-owner", "609629065308"),)),
    "put with another owner": Ask(method="PUT", headers=(("x-amz-expected-bucket-owner", "111122223333"),)),
    "list": Ask(target="/?list-type=2&prefix=in%2F"),
    "list of all": Ask(target="/?list-type=2"),
    "delete": Ask(method="DELETE"),
    "delete many": Ask(method="POST", target="/?delete"),
    "policy": Ask(method="PUT", target="/?policy"),
    "head of a bucket": Ask(method="HEAD", target="/"),
    "by path": Ask(host=ROOT, target="/good-bucket/k"),
    "bucket by path": Ask(host=ROOT, target="/good-bucket?list-type=2"),
    "no bucket": Ask(host=ROOT, target="/"),
    "global": Ask(host="good-bucket.s3.amazonaws.com", region="us-east-1"),
    "global, other scope": Ask(host="good-bucket.s3.amazonaws.com"),
    "other scope": Ask(region="us-east-1"),
    "asymmetric": Ask(region_set=REGION),
    "asymmetric, everywhere": Ask(region_set="*"),
    "keyed": Ask(KEYED, "/incoming/a"),
    "keyed, plus": Ask(KEYED, "/incoming/a+b"),
    "keyed, outside": Ask(KEYED, "/k1"),
    "keyed, list": Ask(KEYED, "/?prefix=incoming/"),
    "keyed, dots": Ask(KEYED, "/incoming/../k"),
    "keyed, no text": Ask(KEYED, "/incoming/%ED%A0%80"),
    "evil": Ask(host=f"evil-bucket.s3.{REGION}.amazonaws.com"),
    "evil, write": Ask(host=f"evil-bucket.s3.{REGION}.amazonaws.com", method="PUT"),
    "copy": Ask(method="PUT", headers=(("x-amz-copy-source", "read-only/k"),)),
    "copy of a key": Ask(method="PUT", headers=(("x-amz-copy-source", "keyed/incoming/a"),)),
    "copy of evil": Ask(method="PUT", headers=(("x-amz-copy-source", "evil-bucket/k"),)),
    "batch": Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT", client="10.20.0.9"),
    "not batch": Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT"),
    "ours": Ask(f"ours-only.s3.{REGION}.amazonaws.com"),
    "not ours": Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=FOREIGN),
    "named": Ask(f"named.s3.{REGION}.amazonaws.com"),
    "narrow": Ask(f"narrow.s3.{REGION}.amazonaws.com"),
    "anonymous": Ask(key=None),
    "presigned": Ask(key=None, target="/k" + PRESIGNED.format(600)),
    "presigned, expired": Ask(key=None, target="/k" + PRESIGNED.format(6)),
    "v2": Ask(key=None, headers=(("Authorization", f"AWS {OWN}:{'0' * 27}="), ("Date", "Sun, 22 Nov 2026 12:00:00 GMT"))),
    "fips": Ask(host=f"good-bucket.s3-fips.{REGION}.amazonaws.com"),
    "sts": Ask(host=f"sts.{REGION}.amazonaws.com", target="/", service="sts"),
    "sts of others": Ask(host=f"sts.{REGION}.amazonaws.com", target="/", service="sts", key=FOREIGN),
    "sqs": Ask(host=f"sqs.{REGION}.amazonaws.com", target="/", service="sqs"),
    "outside": Ask(host="example.com"),
    "fronted": Ask(header_host="evil-bucket"),
    "no operation": Ask(method="PATCH"),
    "clear": Ask(method="HEAD", target="/", key=None, connect=None, sni=None, scheme="http", authority=GOOD),
}  # fmt: skip

STRANGE = {"get with a lock"}
"""Asks with a header that their operation does not know."""


def truth(by: Policy, ask: Ask) -> Verdict:
    decision = decide_request(by, ask.request())
    return Verdict(decision.reason, decision.would_deny)


def agrees(answer: Answer, was: Verdict, now: Verdict) -> bool:
    """Whether the answer does not contradict what the new policy really says."""
    if answer.outcome is Outcome.SAME:
        return now == was or (not _allows(now) and not _allows(was))
    if answer.outcome is Outcome.CHANGED:
        return now != was and now in answer.now
    return not answer.now or now in answer.now


def _allows(verdict: Verdict) -> bool:
    return verdict.reason in {R.ALLOWED_BY_RULE, R.ALLOWED_HOST, R.MONITOR_ONLY, R.ALLOWED_PRESET}


@pytest.mark.parametrize(
    ("before", "keys", "known", "least"),
    [
        pytest.param("itself", FULL, True, 0.9, id="all is at hand"),
        pytest.param("itself", FULL, False, 0.4, id="without the old policy"),
        pytest.param("watched", FULL, True, 0.8, id="monitor mode"),
        pytest.param("watched", KeyForm("omit"), False, 0.4, id="monitor mode, no keys, no policy"),
        pytest.param("keys on all", FULL, True, 0.9, id="keys"),
        pytest.param("keys on all", KeyForm("hash", b"s" * 32), True, 0.4, id="hashed keys"),
        pytest.param("evil listed", KeyForm("omit"), True, 0.8, id="omitted keys"),
        pytest.param("owner", FULL, True, 0.8, id="owners"),
        pytest.param("owner", FULL, False, 0.4, id="owners without the old policy"),
    ],
)
def test_an_answer_never_contradicts_the_decision_on_the_request(
    before: str, keys: KeyForm, least: float, *, known: bool
) -> None:
    old = OTHERS[before]
    then = {what: (record(old, ask, keys), truth(old, ask)) for what, ask in ASKS.items()}
    told = 0
    for name, new in OTHERS.items():
        replayer = Replayer(new, [old] if known else [], NOW)
        for what, (written, was) in then.items():
            answer, now = replayer.answer(written), truth(new, ASKS[what])
            if what in STRANGE and answer.assumes:
                continue
            assert agrees(answer, was, now), f"{what}, {before} -> {name}: {was} -> {now}, but {answer}"
            told += answer.outcome is not Outcome.UNKNOWN
    assert told / (len(OTHERS) * len(ASKS)) > least, "the replay tells too little to be of use"


@pytest.mark.parametrize(
    ("old", "new", "ask", "outcome", "now"),
    [
        ("itself", "evil listed", "evil", "changed", {R.ALLOWED_BY_RULE, R.UNSIGNED_REQUEST, R.CREDENTIAL_SCOPE_MISMATCH}),
        ("itself", "reads only", "put", "changed", {R.OPERATION_NOT_ALLOWED}),
        ("itself", "reads only", "get", "same", {R.ALLOWED_BY_RULE}),
        ("acls by name", "itself", "put", "unknown", {R.ALLOWED_BY_RULE, R.OPERATION_NOT_ALLOWED}),
        ("itself", "acls by name", "put", "same", {R.ALLOWED_BY_RULE}),
        ("itself", "no path style", "by path", "changed", {R.PATH_STYLE_NOT_ALLOWED}),
        ("itself", "clients on all", "get", "changed", {R.CLIENT_NOT_ALLOWED}),
        ("itself", "unsigned", "anonymous", "changed", {R.ALLOWED_BY_RULE}),
        ("itself", "no hosts", "sts", "changed", {R.HOST_NOT_LISTED}),
        ("watched", "itself", "evil", "changed", {R.BUCKET_NOT_LISTED}),
        ("watched", "watched, but over", "evil", "changed", {R.BUCKET_NOT_LISTED}),
        ("itself", "deny at connect", "fronted", "same", {R.HOST_MISMATCH}),
        ("itself", "other keys", "keyed", "same", {R.ALLOWED_BY_RULE}),
        ("itself", "other keys", "keyed, list", "changed", {R.KEY_NOT_ALLOWED}),
        ("itself", "keys on all", "delete many", "changed", {R.KEY_NOT_ALLOWED}),
    ],
)  # fmt: skip
def test_what_becomes_of_a_decision(old: str, new: str, ask: str, outcome: str, now: set[Reason]) -> None:
    answer = Replayer(OTHERS[new], [OTHERS[old]], NOW).answer(record(OTHERS[old], ASKS[ask]))
    assert (answer.outcome, {one.reason for one in answer.now}) == (outcome, now)


@pytest.mark.parametrize("form", ["hash", "omit"])
def test_a_key_that_is_not_recorded_is_never_guessed(form: str) -> None:
    keys = KeyForm(form, b"s" * 32)
    answer = Replayer(OTHERS["keys on all"], [BASE], NOW).answer(record(BASE, ASKS["get"], keys))
    assert answer.outcome is Outcome.UNKNOWN
    assert {one.reason for one in answer.now} == {R.ALLOWED_BY_RULE, R.KEY_NOT_ALLOWED}
    assert answer.hangs_on == (f"its key is not recorded (`key_form: {form}`)",)


def test_a_header_that_the_operation_does_not_know_is_taken_as_not_sent_and_that_is_told() -> None:
    answer = Replayer(OTHERS["reads only"], [BASE], NOW).answer(record(BASE, ASKS["get"]))
    assert (answer.outcome, answer.assumes) == (Outcome.SAME, True)
    answer = Replayer(BASE, [OTHERS["reads only"]], NOW).answer(record(OTHERS["reads only"], ASKS["get"]))
    assert (answer.outcome, answer.assumes) == (Outcome.SAME, False), (
        "what was allowed had none that is refused"
    )
    refused = record(OTHERS["acls by name"], ASKS["get with a lock"])
    answer = Replayer(OTHERS["acls by name"], [], NOW).answer(refused)
    assert answer.outcome is Outcome.SAME, "then the record itself shows that one came"


def test_a_forged_verdict_does_not_fit_the_policy_of_its_digest() -> None:
    forged = record(BASE, ASKS["evil"]) | {"decision": "allow", "reason": "ALLOWED_BY_RULE", "rule": "data"}
    answer = Replayer(OTHERS["evil listed"], [BASE], NOW).answer(forged)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.hangs_on == ("it does not fit the policy of its own digest",)


def test_a_refused_connect_is_asked_again() -> None:
    request = replace(ASKS["outside"].request(), method="CONNECT", headers=(), sni=None)
    denial = decide_connect(BASE, request)
    assert denial is not None
    written = render_decision(denial, request, audit_id="a", decision_id="d", time=NOW)
    assert Replayer(OTHERS["unsigned"], [], NOW).answer(written).outcome is Outcome.SAME


def test_a_connect_that_would_be_answered_tells_nothing_of_the_request() -> None:
    early = OTHERS["deny at connect"]
    request = replace(ASKS["evil"].request(), method="CONNECT", headers=(), sni=None)
    denial = decide_connect(early, request)
    assert denial is not None
    written = render_decision(denial, request, audit_id="a", decision_id="d", time=NOW)
    answer = Replayer(BASE, [early], NOW).answer(written)
    assert (answer.outcome, answer.now) == (Outcome.UNKNOWN, ())


def test_monitor_modes_are_looked_at_when_it_is_asked_not_when_it_was_decided() -> None:
    written = record(WATCHED, ASKS["evil"])
    later = Replayer(WATCHED, [], NOW + timedelta(days=1)).answer(written)
    assert later.outcome is Outcome.CHANGED
    assert [one.reason for one in later.now] == [R.BUCKET_NOT_LISTED]


def test_what_is_no_decision_is_not_told() -> None:
    assert Replayer(BASE, [], NOW).answer({"event": "egress"}).outcome is Outcome.UNKNOWN
