"""Log events to an alarm to a message, on the emulator: deploy, count, publish, look.

The filters, the alarms, the topic and its subscriber are deployed to the emulator from the
one definition. No emulator evaluates metric filters, so `publish` does that part: it reads
back the *deployed* filters, evaluates their patterns with ours over the events that arrived,
and puts exactly the metric data that their transformations say. Nor does the emulator treat
missing data, so the first state of an alarm, with no data, is ours too. What follows is the
emulator's own: it turns the alarm on and publishes to the topic.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Final

import boto3
from botocore.config import Config

from s3gate.alarms.definition import Alarm, Definition
from s3gate.alarms.evaluation import evaluate
from s3gate.alarms.pattern_reader import parse_pattern, parse_value

ACCESS_KEY_ID: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's documented example
TOPIC: Final = "s3gate-alarms"
SUBSCRIBER: Final = "s3gate-on-call"
EVENTS_LIMIT: Final = 10_000
"""Events of one page (FilterLogEvents, API reference: limit, maximum)."""

DATA_LIMIT: Final = 1000
"""Datapoints of one call (PutMetricData, API reference: MetricData, maximum)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as CloudWatch Logs holds it.

    Args:
        timestamp: milliseconds since 1970, UTC.
        stream: its log stream.
        message: as it was put.
    """

    timestamp: int
    stream: str
    message: str


@dataclass(frozen=True, slots=True)
class Count:
    """What one deployed filter made of the events.

    Args:
        name: of the filter.
        pattern: as it is deployed.
        namespace: of the metric it feeds.
        metric: the metric it feeds.
        matching: the events that match.
        values: what each of them adds; None is no datapoint.
    """

    name: str
    pattern: str
    namespace: str
    metric: str
    matching: tuple[Event, ...]
    values: tuple[float | None, ...]


class AlarmChain:
    """The chain on one emulator.

    Args:
        endpoint_url: the emulator's.
        region: where everything is deployed.
        definition: filters and alarms.
    """

    def __init__(self, endpoint_url: str, region: str, definition: Definition) -> None:
        self._definition = definition
        session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
        settings = {"endpoint_url": endpoint_url, "config": Config(proxies={})}
        self._logs = session.client("logs", **settings)
        self._metrics = session.client("cloudwatch", **settings)
        self._topics = session.client("sns", **settings)
        self._queues = session.client("sqs", **settings)
        self._queue_url = ""
        self._published: set[tuple[str, Event]] = set()

    def deploy(self) -> None:
        """Create the log group, its filters, the alarms, the topic and its subscriber."""
        definition = self._definition
        self._logs.create_log_group(logGroupName=definition.log_group)
        for item in definition.filters:
            self._logs.put_metric_filter(
                logGroupName=definition.log_group,
                filterName=item.name,
                filterPattern=item.pattern,
                metricTransformations=[
                    {
                        "metricName": item.metric,
                        "metricNamespace": definition.namespace,
                        "metricValue": item.value,
                        "unit": item.unit,
                    }
                ],
            )
        topic = self._topics.create_topic(Name=TOPIC)["TopicArn"]
        for alarm in definition.alarms:
            self._put_alarm(alarm, topic)
        self._queue_url = self._queues.create_queue(QueueName=SUBSCRIBER)["QueueUrl"]
        attributes = self._queues.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        queue = attributes["Attributes"]["QueueArn"]
        # Last: the first state of an alarm that takes silence as breaching is ALARM, before the gate runs.
        self._topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def _put_alarm(self, alarm: Alarm, topic: str) -> None:
        self._metrics.put_metric_alarm(
            AlarmName=alarm.name,
            AlarmDescription=alarm.description,
            Namespace=self._definition.namespace,
            MetricName=alarm.metric,
            Statistic=alarm.statistic,
            Period=alarm.period_s,
            EvaluationPeriods=alarm.evaluation_periods,
            DatapointsToAlarm=alarm.datapoints_to_alarm,
            ComparisonOperator=alarm.comparison.value,
            Threshold=alarm.threshold,
            TreatMissingData=alarm.missing_data.value,
            AlarmActions=[topic],
        )
        first = evaluate(alarm, [None] * alarm.evaluation_periods)
        self._metrics.set_alarm_state(AlarmName=alarm.name, StateValue=first.value, StateReason="no data yet")

    def events(self) -> list[Event]:
        """Every event that has arrived in the log group."""
        found: list[Event] = []
        query = {"logGroupName": self._definition.log_group, "limit": EVENTS_LIMIT}
        while True:
            page = self._logs.filter_log_events(**query)
            found.extend(
                Event(item["timestamp"], item["logStreamName"], item["message"]) for item in page["events"]
            )
            if not page.get("nextToken"):
                return found
            query["nextToken"] = page["nextToken"]

    def counts(self) -> list[Count]:
        """What each deployed filter makes of the events that have arrived.

        Raises:
            PatternError: a deployed pattern is not in the documented syntax.
        """
        events = self.events()
        deployed = self._logs.describe_metric_filters(logGroupName=self._definition.log_group)[
            "metricFilters"
        ]
        counts: list[Count] = []
        for item in deployed:
            pattern = parse_pattern(item["filterPattern"])
            matching = tuple(event for event in events if pattern.matches(event.message))
            counts.extend(
                Count(
                    item["filterName"],
                    pattern.text,
                    change["metricNamespace"],
                    change["metricName"],
                    matching,
                    tuple(map(parse_value(change["metricValue"]).of, (one.message for one in matching))),
                )
                for change in item["metricTransformations"]
            )
        return counts

    def publish(self) -> list[Count]:
        """Put the metric data that the deployed filters say, each event once.

        Returns:
            What was counted, earlier calls included.
        """
        counts = self.counts()
        for count in counts:
            data = [
                {
                    "MetricName": count.metric,
                    "Value": value,
                    "Timestamp": datetime.fromtimestamp(event.timestamp / 1000, UTC),
                }
                for event, value in zip(count.matching, count.values, strict=True)
                if value is not None and (count.name, event) not in self._published
            ]
            self._published.update((count.name, event) for event in count.matching)
            for part in batched(data, DATA_LIMIT):
                self._metrics.put_metric_data(Namespace=count.namespace, MetricData=list(part))
        return counts

    def state(self, alarm: str) -> str:
        """The state of an alarm, as the emulator reports it."""
        alarms = self._metrics.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return str(alarms[0]["StateValue"]) if alarms else "absent"

    def notifications(self, wait_s: int = 5) -> list[dict[str, object]]:
        """The alarm messages that the topic's subscriber received since the last call.

        Args:
            wait_s: seconds to wait for the first.

        Returns:
            The messages as CloudWatch words them: `AlarmName`, `OldStateValue`, `NewStateValue`, …
        """
        reply = self._queues.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s
        )
        messages: list[dict[str, object]] = []
        for item in reply.get("Messages", []):
            messages.append(json.loads(json.loads(item["Body"])["Message"]))
            self._queues.delete_message(QueueUrl=self._queue_url, ReceiptHandle=item["ReceiptHandle"])
        return messages
