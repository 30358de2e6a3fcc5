"""`s3gate suggest`: the patch applies, what was seen is allowed by it, and what was not asked stays refused."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit_records import write_journal
from generate.asks import FOREIGN, OLD, REGION, ROOT, Ask
from generate.recorded import record
from s3gate.audit.key_form import KeyForm
from s3gate.cli import main
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy

R = Reason
POLICY = f"""\
version: 1   # ours
mode: monitor
until: 2026-12-31
endpoints:
  partitions: [aws]
  regions: [{REGION}, us-east-1]  # home
  classes:
    - standard
    - dualstack
clients:
  # the night
  batch: {{cidrs: [10.20.0.0/24]}}
  web: {{cidrs: [10.30.0.0/24]}}
rules:
  # data first
  - {{id: data, bucket: good-bucket, allow: [read]}}   # narrow

  - id: inbox
    bucket: keyed
    allow: [write]
    keys: ["incoming/*"]
    clients: [batch]  # only they

# services
hosts:
  - name: sts.{REGION}.amazonaws.com
    accounts: ["609629065308"]
deny_at: request
"""


def host(bucket: str, region: str = REGION) -> str:
    return f"{bucket}.s3.{region}.amazonaws.com"


SEEN = {
    "a write to what may be read": Ask(method="PUT", client="10.20.0.5"),
    "another bucket": Ask(host("reports"), client="10.20.0.5"),
    "the same by another group": Ask(host("reports"), client="10.30.0.5"),
    "more of it": Ask(host("reports"), "/?list-type=2", client="10.20.0.6"),
    "more of it by the other": Ask(host("reports"), "/?list-type=2", client="10.30.0.6"),
    "by path": Ask(ROOT, "/by-path/k", client="10.20.0.5"),
    "an admin operation": Ask(host("reports"), "/?policy", "PUT", client="10.30.0.5"),
    "an outsider": Ask(host("outside"), client="192.0.2.7"),
    "another account": Ask(host("reports"), key=FOREIGN, client="10.20.0.5"),
    "a key that tells no account": Ask(host("ancient"), key=OLD, client="10.20.0.5"),
    "a key outside": Ask(host("keyed"), "/other/a+b*c", "PUT", client="10.20.0.5"),
    "a key within, another operation": Ask(host("keyed"), "/incoming/x", "DELETE", client="10.20.0.5"),
    "a key within, another client": Ask(host("keyed"), "/incoming/x", "PUT", client="10.30.0.5"),
    "a list within": Ask(host("keyed"), "/?list-type=2&prefix=incoming/", client="10.20.0.5"),
    "deletes by the body": Ask(host("keyed"), "/?delete", "POST", client="10.20.0.5"),
    "a copy": Ask(host("reports"), "/c", "PUT", (("x-amz-copy-source", "source-bucket/k"),), client="10.20.0.5"),
    "another region": Ask(host("far", "eu-west-1"), region="eu-west-1", client="10.20.0.5"),
    "another class": Ask(f"good-bucket.s3-fips.{REGION}.amazonaws.com", client="10.20.0.5"),
    "an access point": Ask(f"fin-111122223333.s3-accesspoint.{REGION}.amazonaws.com", client="10.20.0.5"),
    "a service": Ask(f"logs.{REGION}.amazonaws.com", "/", "POST", service="logs", client="10.20.0.5"),
    "another account at a service": Ask(f"sts.{REGION}.amazonaws.com", "/", "POST", service="sts", key=FOREIGN),
}  # fmt: skip
ALSO_ALLOWED = Ask(client="10.20.0.5")
NOT_SEEN = [
    replace(ask, **change)  # type: ignore[arg-type] # fields of Ask
    for ask in SEEN.values()
    for change in (
        {"method": "DELETE"},
        {"method": "PUT", "target": "/?acl"},
        {"client": "10.99.0.1"},
        {"client": "192.0.2.8"},
        {"key": "ASIA5YIZUZOAKMUTVV7A"},
        {"host": host("never-asked")},
        {"target": "/elsewhere/k"},
    )
    if change.items() - vars(ask).items()
]


def who(ask: Ask) -> str:
    """The group of a client, or the client itself."""
    return ask.client.rpartition(".")[0] if ask.client.startswith("10.") else ask.client


def enforced(text: bytes) -> Policy:
    return parse_policy(text.replace(b"mode: monitor", b"").replace(b"until: 2026-12-31", b""))


def suggest(
    place: Path, asks: dict[str, Ask], *arguments: str, text: str = POLICY, keys: str = "full"
) -> Result:
    (place / "policy.yaml").write_bytes(text.encode())
    by = parse_policy(text.encode())
    form = KeyForm(keys, b"s" * 32)
    records = []
    for name, ask in asks.items():
        written = record(by, ask, form)
        assert written["reason"] in {"MONITOR_ONLY", "ALLOWED_BY_RULE"}, (name, written["reason"])
        records.append(written)
    write_journal(place / "audit", records)
    return CliRunner().invoke(main, ["suggest", "--policy", "policy.yaml", *arguments, "audit"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def apply(place: Path, suggested: Result, *tool: str) -> bytes:
    patch = suggested.stdout_bytes
    ran = subprocess.run(
        tool or ("git", "apply", "-"),
        input=patch,
        cwd=place,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, (ran.stderr, ran.stdout, patch)
    return (place / "policy.yaml").read_bytes()


@pytest.mark.parametrize("tool", [("git", "apply", "-"), ("patch", "-p1", "--fuzz=0")], ids=["git", "patch"])
@pytest.mark.parametrize("by_name", [(), ("--by-name",)], ids=["by class", "by name"])
def test_what_was_seen_is_allowed_by_the_patch_and_what_was_not_asked_is_not(
    place: Path, by_name: tuple[str, ...], tool: tuple[str, ...]
) -> None:
    result = suggest(place, SEEN | {"allowed anyway": ALSO_ALLOWED}, *by_name)
    assert result.exit_code == 0, result.output
    changed = apply(place, result, *tool)
    before, after = enforced(POLICY.encode()), enforced(changed)
    for name, ask in SEEN.items():
        assert not decide_request(before, ask.request()).allowed, name
        assert decide_request(after, ask.request()).allowed, (name, changed.decode())
    asked = {
        (ask.host, decision.reading.operation)
        for ask in SEEN.values()
        for decision in [decide_request(after, ask.request())]
    }
    clients = {(ask.host, who(ask)) for ask in SEEN.values()}
    for ask in NOT_SEEN:
        then, now = decide_request(before, ask.request()), decide_request(after, ask.request())
        if now.allowed and not then.allowed:
            assert (ask.host, now.reading.operation) in asked, (ask, now)
            if (
                now.rule == "data"
            ):  # an old rule, under a class of endpoints that is open to all its clients now
                assert "-fips" in ask.host
                continue
            assert now.reading.bucket is None or (ask.host, who(ask)) in clients, (ask, now)
            assert ask.key != "ASIA5YIZUZOAKMUTVV7A" or "ancient" in ask.host, (ask, now)


def test_every_line_that_was_there_stays_with_its_comment(place: Path) -> None:
    changed = apply(place, suggest(place, SEEN)).decode()
    lines = iter(changed.splitlines())
    for line in POLICY.splitlines():
        if "regions:" not in line and "accounts:" not in line:
            assert line in lines, f"{line}: gone, or moved"
    assert f"  regions: [eu-west-1, {REGION}, us-east-1]  # home\n" in changed
    assert '    accounts: ["364679954851", "609629065308"]\n' in changed
    assert "  classes:\n    - fips\n    - access-point\n    - standard\n" in changed.replace(
        "    - access-point\n    - fips\n", "    - fips\n    - access-point\n"
    )


def test_it_says_how_often_when_by_whom_and_of_which_class(place: Path) -> None:
    asks = {f"{number}": Ask(host("reports"), client=f"10.20.0.{number}") for number in range(5)}
    asks["policy"] = Ask(host("reports"), "/?policy", "PUT", client="10.20.0.1")
    result = suggest(place, asks)
    assert (
        "+  # asked 6 times, 2026-11-22 12:00:00 to 2026-11-22 12:00:00 UTC, by 10.20.0.0, 10.20.0.1, 10.20.0.2 and 2 others\n"
        "+  # GetObject (read) 5, PutBucketPolicy (admin) 1\n"
        "+  # caution: PutBucketPolicy is of class admin: gives the bucket to others\n"
        "+  - id: reports\n"
        "+    bucket: reports\n"
        "+    allow: [read, PutBucketPolicy]\n"
        "+    clients: [batch]\n"
        '+    accounts: ["609629065308"]\n'
    ) in result.stdout
    assert "caution: reports: PutBucketPolicy is of class admin" in result.stderr
    assert "6 requests passed by monitor mode, of 2 kinds\n1 rule, 0 hosts and 0 words" in result.stderr


def test_admin_is_never_suggested_by_class(place: Path) -> None:
    asks = {
        one: Ask(host("reports"), f"/?{one}", "PUT", client="10.20.0.1")
        for one in ("policy", "acl", "cors", "replication")
    }
    changed = apply(place, suggest(place, asks))
    (rule,) = [rule for rule in parse_policy(changed).rules if rule.bucket == "reports"]
    assert rule.classes == frozenset()
    assert rule.operations == {"PutBucketPolicy", "PutBucketAcl", "PutBucketCors", "PutBucketReplication"}


def test_rules_are_few_but_allow_nothing_that_nobody_asked(place: Path) -> None:
    names = ("another bucket", "the same by another group", "more of it", "more of it by the other")
    changed = apply(place, suggest(place, {name: SEEN[name] for name in names}))
    rules = [
        (set(map(str, rule.classes)), set(rule.clients))
        for rule in parse_policy(changed).rules
        if rule.bucket == "reports"
    ]
    assert rules == [({"read", "list"}, {"batch", "web"})]
    (place / "audit").rename(place / "first")
    asks = {
        "read": Ask(host("two"), client="10.20.0.5"),
        "write": Ask(host("two"), method="PUT", client="10.30.0.5"),
    }
    changed = apply(place, suggest(place, asks))
    rules = [
        (set(map(str, rule.classes)), set(rule.clients))
        for rule in parse_policy(changed).rules
        if rule.bucket == "two"
    ]
    assert sorted(rules, key=str) == sorted([({"read"}, {"batch"}), ({"write"}, {"web"})], key=str)


def test_a_client_outside_of_all_groups_gets_one_of_its_own(place: Path) -> None:
    changed = apply(place, suggest(place, {"outsider": SEEN["an outsider"]}))
    policy = parse_policy(changed)
    assert [str(one) for one in policy.clients["suggested"].cidrs] == ["192.0.2.7/32"]
    assert [rule.clients for rule in policy.rules if rule.bucket == "outside"] == [("suggested",)]


def test_an_account_that_the_policy_does_not_know_is_told_in_the_patch_too(place: Path) -> None:
    """Monitor mode lets an attacker's own keys pass as well: nobody should take them over unseen."""
    asks = {name: SEEN[name] for name in ("another account", "another account at a service")}
    result = suggest(place, asks)
    said = "caution: account 364679954851 stands nowhere else in the policy: whose is it?"
    assert f"+  # {said}\n" in result.stdout
    assert f"reports: {said.removeprefix('caution: ')}" in result.stderr
    assert f"sts.{REGION}.amazonaws.com: {said.removeprefix('caution: ')}" in result.stderr


def test_what_reaches_beyond_limited_keys_is_told(place: Path) -> None:
    result = suggest(place, {"deletes": SEEN["deletes by the body"]})
    assert "+    allow: [DeleteObjects]\n" in result.stdout
    assert "+  # caution: of every key, where another rule limits keys" in result.stdout


@pytest.mark.parametrize(
    ("part", "field", "text"),
    [
        ("request", "bucket", "x\n  - {id: evil, bucket: evil-bucket, allow: [admin]}"),
        ("client", "address", "10.20.0.5\n  - {id: evil, bucket: evil-bucket, allow: [admin]}"),
        ("identity", "account", '1"]}\n  - {id: evil, bucket: evil-bucket, allow: [admin]}'),
        ("", "time", "2026-11-22\n12:00:00"),
        ("request", "operation", "GetObject]\n"),
        ("request", "host_header", "reports.s3.amazonaws.com\n"),
    ],
)
def test_a_forged_record_writes_nothing_into_the_policy(
    place: Path, part: str, field: str, text: str
) -> None:
    (place / "policy.yaml").write_text(POLICY)
    forged = record(parse_policy(POLICY.encode()), SEEN["another bucket"])
    target = forged[part] if part else forged
    assert isinstance(target, dict)
    target[field] = text
    write_journal(place / "audit", [forged])
    result = CliRunner().invoke(main, ["suggest", "--policy", "policy.yaml", "audit"])
    assert not isinstance(result.exception, ValueError | KeyError), result.exception
    if result.stdout:
        rules = parse_policy(apply(place, result)).rules
        assert {rule.id for rule in rules} <= {"data", "inbox", "reports"}


def test_without_groups_nobody_is_limited_and_that_is_told(place: Path) -> None:
    text = f"version: 1\nmode: monitor\nuntil: 2026-12-31\nendpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard]}}"
    result = suggest(place, {"one": Ask(host("reports"))}, text=text)
    changed = apply(place, result)
    assert parse_policy(changed).rules[0].clients == ()
    assert "every client may: the policy has no client groups" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(POLICY.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(POLICY.removesuffix("\n"), id="no line end at the end"),
        pytest.param(POLICY.split("# services", maxsplit=1)[0], id="rules last"),
        pytest.param(POLICY.split("# services", maxsplit=1)[0].removesuffix("\n\n"), id="rules last, no line end"),
        pytest.param(POLICY.replace("  - ", "- ").replace("\n    bucket", "\n  bucket").replace("\n    allow", "\n  allow").replace("\n    keys", "\n  keys").replace("\n    clients", "\n  clients").replace("\n    accounts", "\n  accounts"), id="no indentation"),
        pytest.param("rules: []  # none yet\n" + POLICY.split("rules:", maxsplit=1)[0] + "hosts:" + POLICY.split("hosts:")[1], id="an empty list"),
        pytest.param(POLICY.split("rules:", maxsplit=1)[0], id="no list"),
        pytest.param(POLICY.replace("clients:\n  # the night\n  batch: {cidrs: [10.20.0.0/24]}\n  web: {cidrs: [10.30.0.0/24]}\n", "clients: {batch: {cidrs: [10.20.0.0/24]}, web: {cidrs: [10.30.0.0/24]}}\n"), id="clients in braces"),
    ],
)  # fmt: skip
def test_any_way_of_writing_the_file(place: Path, text: str) -> None:
    names = ["another bucket", "an outsider", "a service", "another region", "another class"]
    result = suggest(place, {name: SEEN[name] for name in names}, text=text)
    assert result.exit_code == 0, result.output
    after = enforced(apply(place, result))
    for name in names:
        assert decide_request(after, SEEN[name].request()).allowed, name


def test_a_list_of_rules_in_brackets_is_not_touched(place: Path) -> None:
    text = POLICY.split("rules:", maxsplit=1)[0] + "rules: [{id: data, bucket: good-bucket, allow: [read]}]\n"
    result = suggest(place, {"one": SEEN["another bucket"]}, text=text)
    assert result.exit_code == 2
    assert "write `rules:` as a list of lines" in result.output


@pytest.mark.parametrize("form", ["hash", "omit"])
def test_keys_that_are_not_recorded_are_not_suggested(place: Path, form: str) -> None:
    result = suggest(place, {"key": SEEN["a key outside"], "other": SEEN["another bucket"]}, keys=form)
    assert result.exit_code == 1
    assert (
        f"not suggested: 1 x keyed PutObject: its key is not recorded (`key_form: {form}`)\n" in result.stderr
    )
    assert "+    bucket: reports\n" in result.stdout
    assert "+    bucket: keyed\n" not in result.stdout


def test_nothing_to_suggest_is_an_empty_patch(place: Path) -> None:
    result = suggest(place, {"allowed": ALSO_ALLOWED})
    assert (result.exit_code, result.stdout) == (0, "")


def test_what_has_been_added_is_not_suggested_again(place: Path) -> None:
    apply(place, suggest(place, SEEN))
    again = CliRunner().invoke(main, ["suggest", "--policy", "policy.yaml", "audit"])
    assert (again.exit_code, again.stdout) == (0, ""), again.output


def test_json(place: Path) -> None:
    result = suggest(
        place, SEEN | {"old key": Ask(f"sqs.{REGION}.amazonaws.com", "/", service="sqs", key=OLD)}, "--json"
    )
    assert result.exit_code == 1
    *told, last = map(json.loads, result.stdout.splitlines())
    rules = [one for one in told if one["add"] == "rule"]
    assert {one["add"] for one in told} == {"rule", "host", "regions", "classes", None}
    assert {tuple(one["allow"]) for one in rules if one.get("bucket") == "by-path"} == {("read",)}
    (left,) = [one for one in told if one["add"] is None]
    assert "its key does not tell an account" in left["not_suggested"]
    assert (last["monitored"], last["left"]) == (len(SEEN) + 1, 1)


def test_wrong_input(place: Path) -> None:
    (place / "policy.yaml").write_text(POLICY)
    for arguments in (["--policy", "none.yaml"], ["--policy", "policy.yaml", "nowhere"]):
        assert CliRunner().invoke(main, ["suggest", *arguments]).exit_code == 2
