"""`s3gate audit selftest`: would a refusal wake somebody? Tried on the real AWS, not believed.

The normal case: `--deny-canary` sends one request that must be refused and prints the
chain with its times: refusal, log event, metric, alarm. Exit 0 when all of it came, 1
when something did not, 3 when the gate or AWS could not be asked.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from s3gate.audit.evidence import Aws, NoEvidence
from s3gate.audit.record import render_time
from s3gate.cli.audit.place import EXIT_NO, Place, WrongEnvironment, WrongInput
from s3gate.s3.partitions import PARTITIONS
from s3gate.settings import Settings

if TYPE_CHECKING:
    from s3gate.canary.chain import Chain, Patience
    from s3gate.canary.step import Step

TIMEOUT_S: Final = 300.0
"""Seconds: shipping takes one, a metric filter up to a minute, an alarm's next look another; twice that."""

ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what is listened on, and how to get there
LEFT_OUT: Final = "no request was sent and no alarm tried: that is --deny-canary"
_EPILOG: Final = """\b
Examples:
  s3gate audit selftest
  s3gate audit selftest --deny-canary
  s3gate audit selftest --deny-canary --proxy http://s3gate.example.internal:8080 --json
"""


@dataclass(frozen=True, slots=True)
class Canary:
    """How the canary is sent.

    Args:
        proxy_url: the gate.
        ca: PEM file with its CA.
        region: that of the bucket it asks for.
    """

    proxy_url: str
    ca: Path
    region: str


@click.command(name="selftest", epilog=_EPILOG)
@click.option("--config", type=click.Path(path_type=Path), help="The settings of the gate.")
@click.option("--deny-canary", is_flag=True, help="Send one request that is refused; it turns alarms on.")
@click.option("--proxy", help="Another way to the gate than its listening port: http://HOST:PORT.")
@click.option("--ca-bundle", type=click.Path(path_type=Path), help="Another PEM file than the gate's CA.")
@click.option("--timeout", default=TIMEOUT_S, show_default=True, help="Seconds to wait for all of the chain.")
@click.option("--region", help="AWS region of the log group.  [default: that of the settings]")
@click.option("--endpoint-url", help="Another endpoint of AWS than the region's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def selftest_command(
    config: Path | None,
    proxy: str | None,
    ca_bundle: Path | None,
    timeout: float,
    region: str | None,
    endpoint_url: str | None,
    *,
    deny_canary: bool,
    as_json: bool,
) -> None:
    """Try what watches the gate: filters, and with --deny-canary the whole chain.

    Each deployed metric filter is put to CloudWatch's TestMetricFilter with the records
    that ours are tested with. The canary asks for a bucket with a random name; its
    refusal turns the alarm for denials on, so tell those whom it calls. Needs
    logs:DescribeMetricFilters, logs:TestMetricFilter, logs:FilterLogEvents,
    cloudwatch:DescribeAlarms and cloudwatch:GetMetricStatistics.
    """
    from s3gate.canary.request import GateSilent  # noqa: PLC0415 - botocore loads slowly
    from s3gate.canary.step import AwsSilent  # noqa: PLC0415 - botocore loads slowly

    settings = Place(None, config, None, Aws()).settings()
    if not settings.cloudwatch.enabled:
        raise WrongInput("`cloudwatch.enabled` is false: nothing is shipped, and no alarm can come")
    region = region or settings.cloudwatch.region
    canary = make_canary(settings, proxy, ca_bundle, region or "") if deny_canary else None
    telling = Telling(as_json=as_json)
    try:
        with telling:
            for step in _steps(settings, region, endpoint_url, canary, telling.patience(timeout)):
                telling.tell(step)
    except NoEvidence as exc:
        raise WrongInput(str(exc)) from exc
    except (AwsSilent, GateSilent) as exc:
        raise WrongEnvironment(str(exc)) from exc
    telling.finish(None if deny_canary else LEFT_OUT)


def make_canary(settings: Settings, proxy: str | None, ca: Path | None, region: str) -> Canary:
    """How the canary gets to the gate.

    Args:
        settings: of the gate.
        proxy: another way than its listening port, or None.
        ca: another PEM file than its CA, or None.
        region: that of the bucket it asks for.

    Raises:
        WrongInput: the settings name no port for clients, or `proxy` is no URL.
    """
    if proxy is None:
        if settings.listen.proxy_protocol != "off" or settings.listen.port == 0:
            raise WrongInput("clients do not reach the gate at a port of the settings: give --proxy")
        host = settings.listen.host
        host = ANYWHERE.get(host, f"[{host}]" if ":" in host else host)
        proxy = f"http://{host}:{settings.listen.port}"
    elif not proxy.startswith("http://"):
        raise WrongInput(f"`{proxy}` is no proxy: write http://HOST:PORT")
    trusted = ca or settings.ca.certificate
    if not isinstance(trusted, Path):
        raise WrongInput(f"the CA lies at {trusted}: save its certificate in a file and give --ca")
    return Canary(proxy, trusted, region)


def _steps(
    settings: Settings,
    region: str | None,
    endpoint_url: str | None,
    canary: Canary | None,
    patience: "Patience",
) -> Iterator["Step"]:
    from s3gate.alarms.definition import load_definition  # noqa: PLC0415 - as above
    from s3gate.alarms.fixture import load_fixtures  # noqa: PLC0415 - botocore loads slowly
    from s3gate.canary.chain import Chain  # noqa: PLC0415 - botocore loads slowly
    from s3gate.canary.filters import try_filters  # noqa: PLC0415 - botocore loads slowly

    definition, group = load_definition(), settings.cloudwatch.log_group
    logs = Aws(region, endpoint_url or settings.cloudwatch.endpoint_url).client("logs")
    yield from try_filters(logs, group, definition, load_fixtures())
    if canary is not None:
        metrics = Aws(region, endpoint_url).client("cloudwatch")
        yield from _follow(Chain(logs, metrics, group, definition), canary, patience)


def _follow(chain: "Chain", canary: Canary, patience: "Patience") -> Iterator["Step"]:
    from s3gate.canary.request import NotRefused, make_host, send_canary  # noqa: PLC0415 - as above
    from s3gate.canary.step import Step  # noqa: PLC0415 - botocore loads slowly

    suffixes = (one.dns_suffix for one in PARTITIONS.values() if one.region_pattern.fullmatch(canary.region))
    host = make_host(canary.region, next(suffixes, PARTITIONS["aws"].dns_suffix))
    before = chain.states()
    try:
        refusal = send_canary(canary.proxy_url, canary.ca, host)
    except NotRefused as exc:
        then = "look whether this is a gate: `curl -v --proxy URL https://…` shows what answers"
        yield Step("refusal", held=False, detail=str(exc), then=then)
        return
    detail = f"`{host}`: {refusal.reason}, decision {refusal.decision_id}"
    yield Step("refusal", held=True, detail=detail, time=refusal.time)
    yield from chain.follow(refusal, before, patience)


class Telling:
    """Prints each step as it is known, or all of them as one object at the end.

    Args:
        as_json: one object.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._steps: list[Step] = []
        self._start: datetime | None = None
        self._status = Console(stderr=True).status("asking CloudWatch")

    def __enter__(self) -> None:
        """Show on a terminal that something goes on."""
        self._status.start()

    def __exit__(self, *_: object) -> None:
        """End that."""
        self._status.stop()

    def patience(self, seconds: float) -> "Patience":
        """A deadline that shows what is waited for."""
        from s3gate.canary.chain import Patience  # noqa: PLC0415 - as above

        return Patience(
            seconds, lambda what, left: self._status.update(f"waiting for {what}, {left:.0f} s left")
        )

    def tell(self, step: "Step") -> None:
        """One step; the first with a time is where the chain begins."""
        self._start = self._start or step.time
        self._steps.append(step)
        if self._as_json:
            return
        moment = step.time.astimezone(UTC).strftime("%H:%M:%SZ") if step.time is not None else ""
        after = self._after_s(step)
        elapsed = f"{after:+7.1f} s" if after is not None else ""
        click.echo(f"{'✓' if step.held else '✗'} {step.name:<34} {moment:>9} {elapsed:>9}  {step.detail}")
        if step.then is not None:
            click.echo(f"  next: {step.then}")

    def finish(self, left_out: str | None) -> None:
        """The end: what was left out, and exit code 1 when a step did not hold."""
        held = all(step.held for step in self._steps)
        if self._as_json:
            steps = [self._as_data(step) for step in self._steps]
            click.echo(json.dumps({"held": held, "steps": steps, "left_out": left_out}))
        elif left_out is not None:
            click.echo(f"left out: {left_out}")
        if not held:
            raise click.exceptions.Exit(EXIT_NO)

    def _after_s(self, step: "Step") -> float | None:
        if step.time is None or self._start is None:
            return None
        return (step.time - self._start).total_seconds()

    def _as_data(self, step: "Step") -> dict[str, object]:
        shown = {"name": step.name, "held": step.held, "detail": step.detail, "next": step.then}
        return shown | {
            "time": render_time(step.time.astimezone(UTC)) if step.time is not None else None,
            "after_s": self._after_s(step),
        }
