#!/usr/bin/env python3
r"""How many instances of which size a traffic needs: an estimate, to be measured.

    deploy/sizing.py --down 8 --up 2 --requests 2000 --connections 100 \
        --tunnels 5000 --zones 3

It takes the CPU and memory that `make bench` measured
(tests/bench/results/cost.json) and the network of EC2 types
(deploy/instances.json). For each type it works out, in this order:

1. CPU: bytes x CPU a byte + requests x CPU a request + connections x CPU of a
   connection, in vCPUs;
2. network: what goes up and what goes down both come in once and go out once,
   with TLS and TCP around them;
3. memory: a worker a vCPU, and what an open tunnel takes;
4. how many instances carry the largest of these, with each vCPU busy for
   `--load` of the time at most;
5. how many to have, so that a whole zone (or one instance) may fail and the
   rest still carries all.

One transfer runs on one vCPU, and one flow has 5 Gbit/s in EC2: neither is
spread by more instances.

A vCPU of EC2 is not the one that was measured: `--speed 1.3` says it is 1.3
times as fast. Run the bench on the type that you choose, and give its file as
`--costs`. Needs Python alone. Exit codes: 0, 1 no type can carry it, 2 the
arguments are wrong.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
COSTS: Final = HERE.parent / "tests" / "bench" / "results" / "cost.json"
INSTANCES: Final = HERE / "instances.json"

GIB: Final = 1 << 30
# A full TCP segment on a path with an MTU of 1,500 (VPN, Direct Connect) carries 1,448 of 1,514 bytes of
# Ethernet (RFC 894, RFC 9293 with timestamps, RFC 7323); TLS adds 22 to 16,384 (RFC 8446, 5.2).
WIRE: Final = 1514 / 1448 * (1 + 22 / 16_384)
SYSTEM_GIB: Final = (
    1.0  # memory for the system, the shipper and the CloudWatch agent: a round figure, not measured
)
MOST_INSTANCES: Final = 200  # more of one type is no plan, and a load balancer has a quota of targets a zone
SHOWN: Final = 10


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Args:
        machine: date and processors, in words.
        get: CPU seconds a GiB down.
        put: CPU seconds a GiB up, the dearer of the two framings.
        request: CPU seconds a request on an open tunnel.
        connection: CPU seconds of a new tunnel, its first request not counted.
        workers: CPU of a request with two workers against one; 1 at least.
        worker_gib: memory of an idle worker.
        tunnel_gib: memory of an open tunnel with its upstream.
    """

    machine: str
    get: float
    put: float
    request: float
    connection: float
    workers: float
    worker_gib: float
    tunnel_gib: float


@dataclass(frozen=True)
class Traffic:
    """What is asked, at the busiest moment.

    Args:
        down: Gbit/s from S3 to clients.
        up: Gbit/s from clients to S3.
        requests: a second.
        connections: new ones a second.
        tunnels: open at once.
    """

    down: float
    up: float
    requests: float
    connections: float
    tunnels: float


@dataclass(frozen=True)
class Fleet:
    """How it is spread.

    Args:
        zones: availability zones.
        survive: `zone`, `instance` or `none`: what may fail; of one zone, an instance.
        load: the most of its time that a vCPU works.
        speed: of a vCPU, against the one that was measured.
    """

    zones: int
    survive: str
    load: float
    speed: float


@dataclass(frozen=True)
class Instance:
    """A type: its name, vCPUs, memory and baseline bandwidth of each direction."""

    name: str
    vcpus: int
    memory_gib: float
    baseline_gbps: float


@dataclass(frozen=True)
class Size:
    """What the traffic needs of one type.

    Args:
        name: the type.
        vcpus: of one instance.
        instances: in all.
        per_zone: in each zone.
        carries: how many of them carry the whole traffic.
        bound_by: `cpu`, `network` or `memory`.
        cpu_share: busy time of a vCPU when all instances run.
        vcpus_in_all: of all instances.
    """

    name: str
    vcpus: int
    instances: int
    per_zone: int
    carries: int
    bound_by: str
    cpu_share: float
    vcpus_in_all: int


def parse_costs(text: str) -> Costs:
    """The costs of s3gate in the JSON of `make bench`.

    Raises:
        ValueError: it is none, or a row is not there.
    """
    document = json.loads(text)
    try:
        found = {row["row"]: row["median"]["s3gate"] for row in document["rows"] if "s3gate" in row["median"]}
        machine = document["machine"]
        return Costs(
            f"{machine['date']}, {machine['processors']}",
            found["get_cpu_s_per_gib"],
            max(found["put_cpu_s_per_gib"], found["put_chunked_cpu_s_per_gib"]),
            found["keep_alive_cpu_ms"] / 1000,
            max(0.0, found["connect_cpu_ms"] - found["keep_alive_cpu_ms"]) / 1000,
            max(1.0, found["workers_2_cpu_ms"] / found["workers_1_cpu_ms"]),
            found["idle_mib"] / 1024,
            found["tunnel_used_kib"] / (1 << 20),
        )
    except (KeyError, TypeError) as exc:
        raise ValueError(f"the costs have no {exc}: run `make bench` with all its rows") from exc


def parse_instances(text: str) -> list[Instance]:
    """The types of `instances.json`."""
    return [Instance(**row) for row in json.loads(text)["types"]]


def vcpus_needed(traffic: Traffic, costs: Costs) -> float:
    """So many vCPUs like the measured one, each busy all the time."""
    gib = 1e9 / 8 / GIB  # GiB a second in a Gbit/s
    seconds = traffic.down * gib * costs.get + traffic.up * gib * costs.put
    seconds += traffic.requests * costs.request + traffic.connections * costs.connection
    return seconds * costs.workers


def decide_size(traffic: Traffic, costs: Costs, fleet: Fleet, instance: Instance) -> Size | None:
    """How many instances of a type; None when not even `MOST_INSTANCES` do."""
    cpu = vcpus_needed(traffic, costs)
    room = instance.memory_gib - SYSTEM_GIB - instance.vcpus * costs.worker_gib
    if room <= 0:
        return None
    needs = {
        "cpu": cpu / (instance.vcpus * fleet.speed * fleet.load),
        "network": (traffic.down + traffic.up) * WIRE / instance.baseline_gbps,
        "memory": traffic.tunnels * costs.tunnel_gib / room,
    }
    bound_by = max(needs, key=needs.__getitem__)
    carries = max(1, math.ceil(needs[bound_by] - 1e-9))
    if fleet.survive == "zone" and fleet.zones > 1:
        per_zone = math.ceil(carries / (fleet.zones - 1))
    else:
        per_zone = math.ceil((carries + (fleet.survive != "none")) / fleet.zones)
    instances = per_zone * fleet.zones
    if instances > MOST_INSTANCES:
        return None
    share = cpu / (instances * instance.vcpus * fleet.speed)
    return Size(
        instance.name,
        instance.vcpus,
        instances,
        per_zone,
        carries,
        bound_by,
        round(share, 4),
        instances * instance.vcpus,
    )


def sizes(traffic: Traffic, costs: Costs, fleet: Fleet, instances: Sequence[Instance]) -> list[Size]:
    """Every type that can, the fewest vCPUs in all first."""
    found = [decide_size(traffic, costs, fleet, instance) for instance in instances]
    return sorted(
        (size for size in found if size), key=lambda size: (size.vcpus_in_all, size.instances, size.name)
    )


def per_vcpu(costs: Costs) -> dict[str, float]:
    """What one vCPU like the measured one does, each alone, busy all the time."""
    gbit = GIB * 8 / 1e9
    return {
        "down_gbit_per_s": gbit / costs.get / costs.workers,
        "up_gbit_per_s": gbit / costs.put / costs.workers,
        "requests_per_s": 1 / costs.request / costs.workers,
        "connections_per_s": 1 / (costs.connection + costs.request) / costs.workers,
    }


def render(traffic: Traffic, costs: Costs, fleet: Fleet, found: Sequence[Size]) -> str:
    """The table, of 80 columns."""
    one = per_vcpu(costs)
    survives = {"zone": "one zone may fail", "instance": "one instance may fail", "none": "nothing may fail"}
    able = (
        f"  {one['down_gbit_per_s']:.1f} Gbit/s down, {one['up_gbit_per_s']:.1f} Gbit/s up, "
        f"{one['requests_per_s']:.0f} requests/s, {one['connections_per_s']:.0f} new connections/s"
    )
    asked = (
        f"Asked: {traffic.down:g} Gbit/s down, {traffic.up:g} up, {traffic.requests:g} requests/s, "
        f"{traffic.connections:g} new/s, {traffic.tunnels:g} open"
    )
    needs = (
        f"Needs {vcpus_needed(traffic, costs):.1f} vCPUs, here each at most {fleet.load:.0%} busy; "
        f"{fleet.zones} zone{'s' * (fleet.zones > 1)}, {survives[fleet.survive]}"
    )
    head = [f"Measured {costs.machine}.", "One such vCPU, busy all the time, does one of:"]
    lines = [*head, able, asked, needs, ""]
    lines.append(f"{'type':<16}{'instances':>10}{'a zone':>8}{'vCPUs':>8}{'busy':>8}  bound by")
    lines += [
        f"{size.name:<16}{size.instances:>10}{size.per_zone:>8}{size.vcpus_in_all:>8}{size.cpu_share:>8.0%}"
        f"  {size.bound_by}"
        for size in found
    ]
    lines += ["", "An estimate: a vCPU of EC2 is not the measured one. Run `make bench` there."]
    return "\n".join(lines) + "\n"


def _number(least: float, most: float = math.inf) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"`{text}` is not between {least:g} and {most:g}")
        return value

    return parse


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="sizing.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--down", type=_number(0), default=0.0, help="Gbit/s from S3 to clients")
    parser.add_argument("--up", type=_number(0), default=0.0, help="Gbit/s from clients to S3")
    parser.add_argument("--requests", type=_number(0), default=0.0, help="a second")
    parser.add_argument("--connections", type=_number(0), default=0.0, help="new ones a second")
    parser.add_argument("--tunnels", type=_number(0), default=0.0, help="open at once")
    parser.add_argument("--zones", type=int, choices=range(1, 7), default=3, help="availability zones (3)")
    parser.add_argument(
        "--survive", choices=["zone", "instance", "none"], default="zone", help="what may fail (zone)"
    )
    parser.add_argument("--load", type=_number(0.05, 1), default=0.6, help="most busy time of a vCPU (0.6)")
    parser.add_argument(
        "--speed", type=_number(0.1, 10), default=1.0, help="of a vCPU against the measured one (1)"
    )
    parser.add_argument(
        "--type", action="append", help="only this type, or this family (c7gn); may be repeated"
    )
    parser.add_argument("--costs", type=Path, default=COSTS, help="cost.json of `make bench`")
    parser.add_argument("--all", action="store_true", help=f"every type, not the best {SHOWN}")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Size the fleet and print it."""
    options = parse_arguments(arguments)
    try:
        costs = parse_costs(options.costs.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        sys.stderr.write(f"cannot read the costs `{options.costs}`: {exc}\n")
        return 2
    instances = parse_instances(INSTANCES.read_text(encoding="utf-8"))
    if options.type:
        instances = [
            one for one in instances if one.name in options.type or one.name.split(".")[0] in options.type
        ]
        if not instances:
            sys.stderr.write(
                f"no type {', '.join(f'`{name}`' for name in options.type)} in `{INSTANCES.name}`\n"
            )
            return 2
    traffic = Traffic(options.down, options.up, options.requests, options.connections, options.tunnels)
    fleet = Fleet(options.zones, options.survive, options.load, options.speed)
    found = sizes(traffic, costs, fleet, instances)
    if not options.all and not options.type:
        found = found[:SHOWN]
    sys.stdout.write(_lines(found) if options.json else render(traffic, costs, fleet, found))
    return 0 if found else 1


def _lines(found: Sequence[Size]) -> str:
    rows: list[Mapping[str, object]] = [asdict(size) for size in found]
    return "".join(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
