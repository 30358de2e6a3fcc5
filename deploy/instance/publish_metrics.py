#!/usr/bin/env python3
"""Tells CloudWatch how old the policy is, when the CA ends, how long the audit waits.

`s3gate-metrics.timer` runs it each minute.

The normal case reads the gate's own page and puts three numbers without dimensions, so that an alarm sees the
worst of all instances. `PolicyAge` is small while the instance decides by what the policy's source holds;
it grows when the source cannot be read, and when it holds what this instance refuses: one alarm for both, and
for instances that went apart. `AuditLag` is told here too because what its records wait for may be CloudWatch
Logs: a heartbeat that does not arrive says nothing, and those of the other instances do. A gate that does not
answer puts nothing; an alarm counts how many instances put something.
"""

import sys
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import boto3
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client.parser import text_string_to_metric_families

NAMESPACE: Final = "s3gate/host"  # the one that the instance's role may write
PAGE_S: Final = 5.0  # the page is made on this machine
PAGE_BYTES: Final = 1 << 20  # some 20 KiB
DAY_S: Final = 86_400
EXIT_ENVIRONMENT: Final = 3
POLICY_AGE: Final = "s3gate_policy_age_seconds"
CA_END: Final = "s3gate_ca_expiry_timestamp_seconds"
AUDIT_LAG: Final = "s3gate_shipper_lag_seconds"
_EPILOG: Final = """\b
Example:
  publish_metrics.py --page http://127.0.0.1:9090/metrics --region ap-northeast-1
"""


class NotTold(Exception):
    """The gate's page cannot be had, or lacks a number; the text says which."""


def read_page(url: str) -> str:
    """The gate's page of metrics, asked directly.

    Args:
        url: of it.

    Raises:
        NotTold: nobody answers.
    """
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=PAGE_S) as answer:
            page: bytes = answer.read(PAGE_BYTES)
    except (URLError, HTTPException, OSError) as exc:
        raise NotTold(f"`{url}` does not answer ({type(exc).__name__}): is the gate running?") from exc
    return page.decode("utf-8", "replace")


def pick_numbers(page: str, now: float) -> dict[str, float]:
    """What CloudWatch is told, by the metric's name.

    Args:
        page: in the Prometheus text format.
        now: Unix time.

    Raises:
        NotTold: a number is not on the page.
    """
    found: Mapping[str, float] = {
        sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    if missing := [name for name in (POLICY_AGE, CA_END, AUDIT_LAG) if name not in found]:
        raise NotTold(f"the gate's page lacks {', '.join(missing)}: is it still starting?")
    return {
        "PolicyAge": found[POLICY_AGE],
        "CaDaysLeft": (found[CA_END] - now) / DAY_S,
        "AuditLag": found[AUDIT_LAG],
    }


def publish(numbers: Mapping[str, float], region: str) -> None:
    """Put them.

    Args:
        numbers: by the metric's name.
        region: whose CloudWatch.
    """
    settings = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}, proxies={})
    data = [{"MetricName": name, "Value": value} for name, value in numbers.items()]
    boto3.session.Session(region_name=region).client("cloudwatch", config=settings).put_metric_data(
        Namespace=NAMESPACE, MetricData=data
    )


@click.command(epilog=_EPILOG)
@click.option(
    "--page", default="http://127.0.0.1:9090/metrics", show_default=True, help="The gate's metrics."
)
@click.option("--region", envvar="AWS_REGION", required=True, help="Whose CloudWatch.  [default: AWS_REGION]")
def main(page: str, region: str) -> None:
    """Tell CloudWatch how old the policy is, when the CA ends, and how long the audit waits."""
    try:
        publish(pick_numbers(read_page(page), time.time()), region)
    except NotTold as exc:
        click.echo(str(exc), err=True)
        sys.exit(EXIT_ENVIRONMENT)
    except (BotoCoreError, ClientError) as exc:
        click.echo(f"CloudWatch does not take the metrics: {type(exc).__name__}: {exc}", err=True)
        sys.exit(EXIT_ENVIRONMENT)


if __name__ == "__main__":
    main()
