"""Cases beside a policy: what is expected is compared, and nothing else."""

import pytest

from s3gate.policy.cases import CasesErrors, cases_name, find_case_mistakes, parse_cases, run_cases
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy

POLICY = parse_policy(b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules:
  - {id: a, bucket: bkt, allow: [read], accounts: ["111122223333"]}
  - {id: m, bucket: mon, allow: [read], mode: monitor, until: 2026-07-01}
""")
HEAD = 'version: 1\nnow: "2026-07-01T12:00:00Z"\nkey_id: AKIARTX3GSDSQAAACAQD\ncases:\n'
URL = "https://bkt.s3.eu-west-1.amazonaws.com/k"


def case(expect: str, request: str = f"method: GET, url: '{URL}'", more: str = "", name: str = "one") -> str:
    return f"  - {{name: {name}, request: {{{request}}}{more}, expect: {{{expect}}}}}\n"


def differences(*cases: str) -> list[str]:
    return [str(one) for one in run_cases(POLICY, parse_cases((HEAD + "".join(cases)).encode()))]


PUT = f"method: PUT, url: '{URL}'"
WATCHED = "method: PUT, url: 'https://mon.s3.eu-west-1.amazonaws.com/k'"
HOLD = [
    ("an allow", case("reason: ALLOWED_BY_RULE, rule: a")),
    ("the rule is not compared", case("reason: ALLOWED_BY_RULE")),
    ("a denial", case("reason: OPERATION_NOT_ALLOWED, rule: a", PUT)),
    ("no rule", case("reason: BUCKET_NOT_LISTED, rule: null", PUT.replace("bkt", "evil"))),
    ("nobody signs", case("reason: ACCOUNT_NOT_ALLOWED", more=", key_id: null")),
    ("another signs", case("reason: ACCOUNT_NOT_ALLOWED", more=", key_id: AKIAIOSFODNN7EXAMPLE")),
    ("no name in TLS", case("reason: SNI_MISSING", f"method: GET, url: '{URL}', sni: null")),
    ("clear text", case("reason: PLAIN_HTTP", f"method: GET, url: '{URL.replace('https', 'http')}'")),
    ("monitored", case("reason: MONITOR_ONLY, would_deny: OPERATION_NOT_ALLOWED, rule: m", WATCHED)),
    ("a day later", case("reason: OPERATION_NOT_ALLOWED", WATCHED + ", now: '2026-07-02T00:00:00Z'")),
]


@pytest.mark.parametrize("text", [row[1] for row in HOLD], ids=[row[0] for row in HOLD])
def test_holds(text: str) -> None:
    assert differences(text) == []


DIFFER = [
    ("reason", case("reason: BUCKET_NOT_LISTED"), "BUCKET_NOT_LISTED", "ALLOWED_BY_RULE"),
    ("rule", case("reason: ALLOWED_BY_RULE, rule: b"), "ALLOWED_BY_RULE (rule b)", "ALLOWED_BY_RULE (rule a)"),
    ("no rule", case("reason: ALLOWED_BY_RULE, rule: null"), "ALLOWED_BY_RULE (no rule)", "ALLOWED_BY_RULE (rule a)"),
    ("monitor", case("reason: MONITOR_ONLY, would_deny: KEY_NOT_ALLOWED", WATCHED),
     "MONITOR_ONLY (would_deny KEY_NOT_ALLOWED)", "MONITOR_ONLY (would_deny OPERATION_NOT_ALLOWED)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted", "found"), [row[1:] for row in DIFFER], ids=[row[0] for row in DIFFER]
)
def test_differs(text: str, wanted: str, found: str) -> None:
    assert differences(text) == [f"line 5: `one` expects {wanted}, the policy says {found}"]


def test_differences_come_in_file_order_with_their_decisions() -> None:
    text = (
        HEAD
        + case("reason: ALLOWED_BY_RULE")
        + case("reason: DRAINING", name="b")
        + case("reason: TIMEOUT", name="c")
    )
    found = run_cases(POLICY, parse_cases(text.encode()))
    assert [(one.case.name, one.case.line, one.decision.reason) for one in found] == [
        ("b", 6, Reason.ALLOWED_BY_RULE),
        ("c", 7, Reason.ALLOWED_BY_RULE),
    ]


def test_without_a_key_id_nobody_signs() -> None:
    text = HEAD.replace("key_id: AKIARTX3GSDSQAAACAQD\n", "") + case("reason: ACCOUNT_NOT_ALLOWED")
    assert run_cases(POLICY, parse_cases(text.encode())) == []


def test_all_mistakes_at_once() -> None:
    text = HEAD + case("reason: Nope") + case("reason: DRAINING", "method: GET, url: h") + case("rule: a")
    with pytest.raises(CasesErrors) as caught:
        parse_cases(text.encode())
    assert [(one.line, one.message.partition(" ")[0]) for one in caught.value.mistakes] == [
        (5, "`Nope`"), (6, "case"), (6, "`url`"), (7, "case"), (7, "key"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "- a\n", "\tx", "version: 1\nversion: 1\n"])
def test_what_is_no_cases_file(text: str) -> None:
    with pytest.raises(CasesErrors):
        parse_cases(text.encode())


SIGNED = [
    ("header", f"method: GET, url: '{URL}', headers: {{Host: h, authorization: x}}"),
    ("pairs", f"method: GET, url: '{URL}', headers: [[Host, h], [Authorization, x]]"),
    ("presigned", f"method: GET, url: '{URL}?X-Amz-Signature=0123'"),
    ("version 2", f"method: GET, url: '{URL}?AWSAccessKeyId=a&Signature=0123'"),
]


@pytest.mark.parametrize("request_", [row[1] for row in SIGNED], ids=[row[0] for row in SIGNED])
def test_nothing_is_signed_twice(request_: str) -> None:
    with pytest.raises(CasesErrors) as caught:
        differences(case("reason: DRAINING", request_))
    assert "brings a signature" in caught.value.mistakes[0].message
    assert "0123" not in str(caught.value)
    assert len(differences(case("reason: DRAINING", request_, ", key_id: null"))) == 1


NAMES = [
    ("policy.yaml", "policy_cases.yaml"),
    ("/etc/s3gate.d/policy.yaml", "/etc/s3gate.d/policy_cases.yaml"),
    ("/etc/s3gate.d/policy", "/etc/s3gate.d/policy_cases"),
    ("prod/p.v2.yml", "prod/p.v2_cases.yml"),
    (".policy", ".policy_cases"),
]


@pytest.mark.parametrize(("policy", "cases"), NAMES)
def test_where_the_cases_of_a_policy_stand(policy: str, cases: str) -> None:
    assert cases_name(policy) == cases


def test_differences_and_mistakes_are_told_alike() -> None:
    (other,) = find_case_mistakes(POLICY, (HEAD + case("reason: DRAINING")).encode())
    assert (other.line, other.message) == (5, "`one` expects DRAINING, the policy says ALLOWED_BY_RULE")
    (wrong,) = find_case_mistakes(POLICY, (HEAD + case("reason: Nope")).encode())
    assert (wrong.line, wrong.message) == (5, "`Nope` is no reason")
    assert find_case_mistakes(POLICY, (HEAD + case("reason: ALLOWED_BY_RULE")).encode()) == ()
