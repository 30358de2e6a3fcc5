"""The story that the demo tells: what passes, what is refused, what is recorded, who is woken.

Each step does something real in the World, shows it, and checks its outcome. The order is
that of a request: upload and download to the listed bucket; the same to another bucket, by
its name, in the path, and behind the name of the listed one; then the traces.
"""

import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Final

from s3gate.audit.reader import read_records
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Event
from s3gate.demo.client import Outcome, put_fronted
from s3gate.demo.telling import Check, Teller
from s3gate.demo.world import LISTED_BUCKET, OTHER_BUCKET, PATH_STYLE_CONFIG, World, host_of

ARRIVAL_TIMEOUT_S: Final = 15.0
"""Seconds until every record must have reached CloudWatch Logs; the gate ships at least every 5 s."""

LOOK_INTERVAL_S: Final = 0.2
"""Seconds between two looks at what has arrived."""

REPORT: Final = b"quarter;revenue\n2026-Q3;1204\n2026-Q4;1312\n" * 400
"""What is uploaded: 16 KiB."""

ALARM: Final = "s3gate-denials"
EVASION: Final = "s3gate-evasion"
METRIC: Final = "Denials"

Record = dict[str, object]
Step = Callable[[World, Teller], None]


def tell(world: World, teller: Teller) -> None:
    """Tell the whole story; what does not hold is in `teller.failed`."""
    (world.aws.directory / "report.csv").write_bytes(REPORT)
    for step in STEPS:
        try:
            step(world, teller)
        except Exception as error:  # noqa: BLE001 - a step that breaks is a step that failed: told, exit code 1
            teller.check(Check("the step runs to its end", False, f"{type(error).__name__}: {error}"))


def upload(world: World, teller: Teller) -> None:
    """An allowed upload."""
    teller.step("Upload to the bucket on the list")
    done = _show(teller, world.aws.run("s3", "cp", "report.csv", f"s3://{LISTED_BUCKET}/incoming/report.csv"))
    teller.check(
        Check("allowed: awscli succeeded", done.exit_code == 0, f"exit code {done.exit_code}"),
        Check("the object is in the bucket", world.keys_in(LISTED_BUCKET) == ["incoming/report.csv"]),
    )


def download(world: World, teller: Teller) -> None:
    """An allowed download."""
    teller.step("Download it again")
    done = _show(teller, world.aws.run("s3", "cp", f"s3://{LISTED_BUCKET}/incoming/report.csv", "copy.csv"))
    copy = world.aws.directory / "copy.csv"
    teller.check(
        Check("allowed: awscli succeeded", done.exit_code == 0, f"exit code {done.exit_code}"),
        Check("the copy is identical, byte for byte", copy.exists() and copy.read_bytes() == REPORT),
    )


def refused_upload(world: World, teller: Teller) -> None:
    """A refused upload to another bucket, with awscli's own text."""
    teller.step("Upload to another bucket", "The bucket exists, and would take the object.")
    start = time.monotonic()
    done = _show(teller, world.aws.run("s3", "cp", "report.csv", f"s3://{OTHER_BUCKET}/report.csv"))
    seconds = time.monotonic() - start
    teller.check(_refused(done, "BUCKET_NOT_LISTED"), _empty(world))
    teller.check(Check(f"awscli gave up at once ({seconds:.1f} s) and says why", seconds < 10))


def refused_path(world: World, teller: Teller) -> None:
    """A refused path-style request: the host name alone does not name the bucket."""
    teller.step(
        "The same, with the bucket in the path",
        "A filter by host name sees only s3.ap-northeast-1.amazonaws.com, for every bucket.",
    )
    arguments = ("s3", "cp", "report.csv", f"s3://{OTHER_BUCKET}/report.csv")
    done = _show(teller, world.aws.run(*arguments, config=PATH_STYLE_CONFIG))
    teller.check(_refused(done, "BUCKET_NOT_LISTED"), _empty(world))


def refused_fronting(world: World, teller: Teller) -> None:
    """A refused request that hides behind the name of the listed bucket."""
    tunnel, host = host_of(LISTED_BUCKET), host_of(OTHER_BUCKET)
    teller.step(
        "The same, hidden behind the listed name",
        "A client of its own: the tunnel is for the listed bucket, the request inside it for another.",
    )
    teller.output(
        (
            f"CONNECT {tunnel}:443",
            f"TLS SNI {tunnel}",
            "PUT     /report.csv",
            f"Host:   {host}",
            "(signed for it)",
        )
    )
    answer = put_fronted(
        world.gate.url,
        world.gate.directory / "ca.pem",
        tunnel,
        host,
        "/report.csv",
        REPORT,
        (ACCESS_KEY_ID, SECRET_ACCESS_KEY),
    )
    teller.output((f"→ {answer.status} {answer.message}",))
    teller.check(
        Check(
            "refused: HOST_MISMATCH", (answer.status, answer.reason) == (403, "HOST_MISMATCH"), str(answer)
        ),
        _empty(world),
    )


def way_out(world: World, teller: Teller) -> None:
    """What left the gate: names asked, addresses dialled."""
    teller.step("What left the gate", "Asked of the DNS server and of the TLS front, not of the gate.")
    listed = host_of(LISTED_BUCKET)
    asked = {name: count for name, count in world.dns.asked.items() if name}
    arrivals = [arrival for arrival in world.origin.arrivals if arrival.sni]
    given = {address for name, address in world.dns.handed_out if name == listed}
    dialled = {arrival.address for arrival in arrivals}
    names = {arrival.sni for arrival in arrivals}
    teller.output(
        (
            f"names asked for:    {', '.join(sorted(asked)) or 'none'}",
            f"names connected to: {', '.join(sorted(names)) or 'none'}",
            f"addresses dialled:  {', '.join(sorted(dialled)) or 'none'}",
        )
    )
    teller.check(
        Check("only the listed name was resolved and dialled", set(asked) == names == {listed}),
        Check(
            "each connection went to an address of an answer of its own",
            len(dialled) == min(len(arrivals), len(world.dns.pool)) and dialled <= given,
            f"{len(arrivals)} connections, {len(dialled)} addresses",
        ),
    )


def audit_records(world: World, teller: Teller) -> None:
    """The records on disk."""
    teller.step("The audit records", "Each was on disk before its decision took effect.")
    decisions = _decisions(world)
    heads = ("decision", "reason", "operation", "style", "bucket")
    teller.table(heads, [_row(record) for record in decisions])
    verdicts = [(record["decision"], record["reason"]) for record in decisions]
    refused = [reason for decision, reason in verdicts if decision == "deny"]
    teller.check(
        Check(
            "every request is there, with its reason",
            refused == ["BUCKET_NOT_LISTED", "BUCKET_NOT_LISTED", "HOST_MISMATCH"]
            and {reason for decision, reason in verdicts if decision == "allow"} == {"ALLOWED_BY_RULE"},
            str(verdicts),
        ),
        Check("no signature is in a record", "Signature" not in json.dumps(decisions)),
    )


def logs(world: World, teller: Teller) -> None:
    """The events in CloudWatch Logs."""
    teller.step(
        "The same in CloudWatch Logs", f"Log group {world.definition.log_group}, read with its own API."
    )
    wanted = {record["audit_id"] for record in _decisions(world)}
    arrived = _await_events(world, wanted)
    example = next((event for event in arrived if '"decision":"deny"' in event.message), None)
    if example is not None:
        record = json.loads(example.message)
        shown = {name: record[name] for name in ("event", "time", "decision", "reason", "decision_id")}
        teller.output((json.dumps(shown)[:-1] + ", …",))
    found = {json.loads(event.message)["audit_id"] for event in arrived}
    teller.check(
        Check("every record has arrived", wanted <= found and bool(wanted), f"{len(wanted - found)} have not")
    )


def alarm(world: World, teller: Teller) -> None:
    """The filter's count and the alarm."""
    teller.step(
        "The metric filter counts, the alarm wakes somebody",
        "No emulator evaluates metric filters: s3gate's strict evaluator reads the pattern back as it is "
        "deployed and puts the metric. The alarm, the topic and its subscriber act by themselves.",
    )
    before = world.alarms.state(ALARM)
    counts = {count.metric: count for count in world.alarms.publish()}
    denials = counts[METRIC]
    teller.output(
        (f"filter  {denials.pattern}", f"metric  {denials.namespace} {METRIC} = {len(denials.matching)}")
    )
    after = world.alarms.state(ALARM)
    messages = world.alarms.notifications()
    teller.output((f"alarm   {ALARM}: {before} → {after}",))
    teller.output(
        tuple(f"message {message['AlarmName']} is in {message['NewStateValue']}" for message in messages)
    )
    woken = sorted(str(message["AlarmName"]) for message in messages if message["NewStateValue"] == "ALARM")
    teller.check(
        Check(
            "the three refusals were counted, nothing else",
            len(denials.matching) == 3,
            str(len(denials.matching)),
        ),
        Check(
            f"alarm {ALARM} went from OK to ALARM", (before, after) == ("OK", "ALARM"), f"{before} → {after}"
        ),
        Check(
            f"the topic's subscriber was told, and of {EVASION} too: one request hid behind a listed name",
            woken == [ALARM, EVASION],
            str(woken),
        ),
    )


STEPS: Final[Sequence[Step]] = (
    upload,
    download,
    refused_upload,
    refused_path,
    refused_fronting,
    way_out,
    audit_records,
    logs,
    alarm,
)
"""The steps in the order in which they are told."""


def _show(teller: Teller, done: Outcome) -> Outcome:
    teller.command(done.command)
    teller.output(done.lines)
    return done


def _refused(done: Outcome, reason: str) -> Check:
    printed = "(AccessDenied)" in done.text and reason in done.text
    return Check(
        f"refused: {reason}", done.exit_code != 0 and printed, f"exit code {done.exit_code}: {done.text}"
    )


def _empty(world: World) -> Check:
    keys = world.keys_in(OTHER_BUCKET)
    return Check("the other bucket is still empty", keys == [], str(keys))


def _decisions(world: World) -> list[Record]:
    records = read_records(world.gate.audit_directory)
    return [record for record in records if record["event"] == "egress"]


def _row(record: Record) -> tuple[str, ...]:
    request = record["request"]
    fields = request if isinstance(request, dict) else {}
    read = (str(fields.get(name) or "-") for name in ("operation", "style", "bucket"))
    return (str(record["decision"]), str(record["reason"]), *read)


def _await_events(world: World, wanted: set[object]) -> list[Event]:
    """The events that have arrived, once every wanted record is among them or time is up."""
    deadline = time.monotonic() + ARRIVAL_TIMEOUT_S
    for _ in itertools.count():
        events = world.alarms.events()
        found = {json.loads(event.message).get("audit_id") for event in events}
        ended = world.gate.wait_ended(LOOK_INTERVAL_S)
        if wanted <= found or ended or time.monotonic() > deadline:
            break
    return events
