"""From the refusal to the alarm: what the canary set off on AWS, link after link, each waited for.

The normal case, within three minutes: the record is in the log group, each metric whose
filter counts it has a datapoint in the record's minute, and each alarm on such a metric
goes on and has somebody to call; a metric has the time when it was seen. All links share
one deadline. An alarm that was on before the canary proves nothing and is told so.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from s3gate.alarms.definition import Alarm, Definition
from s3gate.canary.filters import DEPLOY
from s3gate.canary.request import Refusal
from s3gate.canary.step import Step, asking

PAUSE_S: Final = 2.0
"""Seconds between two looks; FilterLogEvents allows five a second for a whole account."""

LOOK_BACK: Final = timedelta(hours=1)
"""How far before the canary its record may lie: clocks differ."""

MINUTE_S: Final = 60
ALARM: Final = "ALARM"


@dataclass(frozen=True, slots=True)
class Watched:
    """An alarm as CloudWatch describes it.

    Args:
        state: its state.
        since: of its last update.
        calls: whether it does something when it goes on.
    """

    state: str
    since: datetime
    calls: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """The record as CloudWatch holds it.

    Args:
        stream: its log stream.
        message: its line.
        time: its own time.
        ingested: when CloudWatch took it.
    """

    stream: str
    message: str
    time: datetime
    ingested: datetime


class Patience:
    """One deadline for everything that is waited for.

    Args:
        seconds: until it is over.
        tick: told what is waited for and how many seconds are left, at each look.
        pause_s: seconds between two looks.
    """

    def __init__(self, seconds: float, tick: Callable[[str, float], None], pause_s: float = PAUSE_S) -> None:
        self._end = time.monotonic() + seconds
        self._tick = tick
        self._pause_s = pause_s
        self._never = threading.Event()

    def until[T](self, what: str, look: Callable[[], T | None]) -> T | None:
        """Look until there is something, or the deadline has passed; at least once."""
        while True:
            if (found := look()) is not None:
                return found
            left = self._end - time.monotonic()
            self._tick(what, max(left, 0.0))
            if left <= 0:
                return None
            self._never.wait(min(self._pause_s, left))


class Chain:
    """The chain of one log group.

    Args:
        logs: a boto3 client of CloudWatch Logs.
        metrics: a boto3 client of CloudWatch.
        group: name of the log group.
        definition: filters and alarms.
    """

    def __init__(self, logs: Any, metrics: Any, group: str, definition: Definition) -> None:
        self._logs, self._metrics = logs, metrics
        self._group, self._definition = group, definition

    def states(self) -> dict[str, Watched]:
        """The alarms that are deployed, by name; taken before the canary is sent.

        Raises:
            AwsSilent: CloudWatch could not be asked.
        """
        names = [alarm.name for alarm in self._definition.alarms]
        with asking("cloudwatch:DescribeAlarms"):
            answer = self._metrics.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm"])
        return {
            one["AlarmName"]: Watched(
                one["StateValue"],
                one["StateUpdatedTimestamp"],
                one.get("ActionsEnabled", True) and bool(one.get("AlarmActions")),
            )
            for one in answer["MetricAlarms"]
        }

    def follow(self, refusal: Refusal, before: Mapping[str, Watched], patience: Patience) -> Iterator[Step]:
        """Each link as it is known to hold or not; what comes after a broken one is not tried.

        Raises:
            AwsSilent: CloudWatch could not be asked.
        """
        arrival = patience.until("the log event", lambda: self._find(refusal))
        if arrival is None:
            then = "look at `oldest_unacknowledged_s` in /metrics of the gate and at its own log"
            yield Step("log event", held=False, detail=f"nothing in `{self._group}`", then=then)
            return
        yield Step("log event", held=True, detail=f"in stream `{arrival.stream}`", time=arrival.ingested)
        counting = [one for one in self._definition.filters if one.parsed.matches(arrival.message)]
        if not counting:
            then = "report it with this output: no alarm is to be trusted"
            yield Step("metric", held=False, detail="no filter of alarms.json counts the record", then=then)
        for item in counting:
            name = f"metric {self._definition.namespace}/{item.metric}"
            seen = patience.until(
                f"a datapoint of {item.metric}", partial(self._datapoint, item.metric, arrival)
            )
            if seen is None:
                yield Step(
                    name, held=False, detail="no datapoint", then=f"look at the filter: {DEPLOY} again"
                )
                return
            yield Step(
                name, held=True, detail=f"{seen:g} in the minute of the request", time=datetime.now(UTC)
            )
        fed = {item.metric for item in counting}
        for alarm in self._definition.alarms:
            if alarm.metric in fed:
                yield self._watch(alarm, before.get(alarm.name), patience)

    def _find(self, refusal: Refusal) -> Arrival | None:
        """The record of the decision, if it has arrived."""
        query: dict[str, object] = {
            "logGroupName": self._group,
            "startTime": _milliseconds(refusal.sent - LOOK_BACK),
            "filterPattern": f'"{refusal.decision_id}"',
        }
        while True:
            with asking("logs:FilterLogEvents"):
                page = self._logs.filter_log_events(**query)
            for event in page["events"]:
                if _is_decision(event["message"], refusal.decision_id):
                    taken = event.get("ingestionTime", event["timestamp"])
                    return Arrival(
                        event["logStreamName"], event["message"], _time(event["timestamp"]), _time(taken)
                    )
            if not page.get("nextToken"):
                return None
            query["nextToken"] = page["nextToken"]

    def _datapoint(self, metric: str, arrival: Arrival) -> float | None:
        """The sum of a metric in the minute of the record, if there is one."""
        start = arrival.time.replace(second=0, microsecond=0)
        with asking("cloudwatch:GetMetricStatistics"):
            answer = self._metrics.get_metric_statistics(
                Namespace=self._definition.namespace,
                MetricName=metric,
                StartTime=start,
                EndTime=start + timedelta(seconds=MINUTE_S),
                Period=MINUTE_S,
                Statistics=["Sum"],
            )
        return next((float(one["Sum"]) for one in answer["Datapoints"] if one["Sum"] > 0), None)

    def _watch(self, alarm: Alarm, before: Watched | None, patience: Patience) -> Step:
        name = f"alarm {alarm.name}"
        if before is None:
            return Step(name, held=False, detail="is not deployed", then=DEPLOY)
        if before.state == ALARM:
            since = before.since.astimezone(UTC)
            detail = f"was on before, since {since:%H:%M:%SZ}: it says nothing of the canary"
            return Step(name, held=False, detail=detail, then="wait until it is off, and run this again")
        now = patience.until(f"the alarm {alarm.name}", lambda: self._on(alarm.name))
        if now is None:
            then = f"look at the alarm: {DEPLOY} again, or wait longer with --timeout"
            return Step(name, held=False, detail="did not go on", then=then)
        if not now.calls:
            return Step(
                name, held=False, detail="is on, and calls nobody", time=now.since, then="give it an action"
            )
        return Step(name, held=True, detail="is on, and calls its actions", time=now.since)

    def _on(self, name: str) -> Watched | None:
        found = self.states().get(name)
        return found if found is not None and found.state == ALARM else None


def _is_decision(message: str, decision_id: str) -> bool:
    """Whether a line is the record of that decision, and not one that merely quotes its id."""
    try:
        record = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and (record.get("event"), record.get("decision_id")) == (
        "egress",
        decision_id,
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
