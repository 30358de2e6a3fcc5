#!/usr/bin/env python3
"""What the deployment costs a month beside its alternatives.

    deploy/costs.py

It prints the table of deploy/README.md.

Prices are in prices.json, each with where it was seen; a figure with a price
that was seen nowhere ends in `?`. Amounts come from the templates' defaults:
two zones, two instances, five interface endpoints. Change prices.json to your
region's and run it again. Needs Python alone.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PRICES: Final = Path(__file__).with_name("prices.json")
ZONES: Final = 2
INSTANCES: Final = 2
ENDPOINTS: Final = 5  # ssm, ssmmessages, logs, monitoring, kms
DISK_GIB: Final = 30
KEYS: Final = 3
LOGS_GB: Final = 5  # a month of records and host logs: a guess, a record has some 600 bytes


@dataclass(frozen=True)
class Way:
    """One way to let some buckets be reached and no others.

    Args:
        name: of the table's row.
        hourly: price → how many of it all the time.
        monthly: price → how many a month.
        a_gb: price → how many for each GB of traffic.
    """

    name: str
    hourly: Mapping[str, float]
    monthly: Mapping[str, float]
    a_gb: Mapping[str, float]


def ways(alarms: int) -> tuple[Way, ...]:
    """The deployment and its alternatives.

    Args:
        alarms: how many the templates make.
    """
    transit = {"transit_h": 2.0}
    egress = {"nat_h": float(ZONES), **transit}
    kept = {"disk_gb": INSTANCES * DISK_GIB, "key": KEYS, "dashboard": 1, "logs_gb": LOGS_GB}
    inspected = {"firewall_h": float(ZONES)}
    return (
        Way(
            "s3gate, as deployed here",
            {"instance_h": INSTANCES, "endpoint_h": ENDPOINTS * ZONES, "balancer_h": 1},
            {**kept, "alarm": alarms},
            {"balancer_unit": 1, "zones_gb": (ZONES - 1) / ZONES},
        ),
        Way("S3 gateway endpoint and its policy, from the VPC alone", {}, {}, {}),
        Way("S3 interface endpoint and its policy", {"endpoint_h": ZONES}, {}, {"endpoint_gb": 1}),
        Way("Transit Gateway and a NAT gateway in each zone", egress, {}, {"nat_gb": 1, "transit_gb": 1}),
        Way("Network Firewall, names alone", inspected, {}, {"firewall_gb": 1}),
        Way(
            "Network Firewall with TLS inspection",
            {**inspected, "inspection_h": ZONES}, {}, {"firewall_gb": 1},
        ),
        Way(
            "AWS's managed proxy (preview: itself free)",
            {"nat_h": 1, "endpoint_h": ZONES}, {}, {"nat_gb": 1, "endpoint_gb": 1},
        ),
    )  # fmt: skip


def monthly(way: Way, gigabytes: float, told: Mapping[str, object]) -> tuple[float, bool]:
    """USD a month, and whether every price in it was seen somewhere.

    Args:
        way: what is paid for.
        gigabytes: of traffic in the month.
        told: prices.json.
    """
    prices = told["prices"]
    hours = told["hours"]
    assert isinstance(prices, dict)  # noqa: S101 - the file's form
    assert isinstance(hours, int)  # noqa: S101 - the file's form
    counts = {name: one * hours for name, one in way.hourly.items()} | dict(way.monthly)
    for name, one in way.a_gb.items():
        # A unit of the load balancer is a GB in an hour: so many GB, so many unit-hours.
        counts["balancer_unit_h" if name == "balancer_unit" else name] = one * gigabytes
    total = sum(count * prices[name]["usd"] for name, count in counts.items())
    return total, all(prices[name]["seen"] is not None for name in counts)


def table(alarms: int) -> str:
    """The table, as Markdown.

    Args:
        alarms: how many the templates make.
    """
    told = json.loads(PRICES.read_text(encoding="utf-8"))
    lines = [
        f"USD a month in {told['region']}, list prices as of {told['read']}:",
        "",
        "| way | 100 GB | 10 TB |",
        "|---|---:|---:|",
    ]
    for way in ways(alarms):
        cells = []
        for gigabytes in (100, told["gb_of_10_tb"]):
            total, seen = monthly(way, gigabytes, told)
            cells.append(f"{total:,.0f}{'' if seen else ' ?'}")
        lines.append(f"| {way.name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def count_alarms() -> int:
    """The alarms of the templates."""
    kind = "Type: AWS::CloudWatch::Alarm\n"
    return sum(
        path.read_text(encoding="utf-8").count(kind)
        for path in Path(__file__).parent.glob("cloudformation/*.yaml")
    )


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="deploy/costs.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    sys.stdout.write(table(count_alarms()))
