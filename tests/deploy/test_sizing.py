"""The model of `deploy/sizing.py`: rows computed by hand from round costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZING = ROOT / "deploy" / "sizing.py"
# 2 s/GiB down, 2.5 up, 1 ms a request, 8 ms more a connection, 102.4 MiB a worker, 102.4 KiB a tunnel.
COSTS = {
    "get_cpu_s_per_gib": 2.0,
    "put_cpu_s_per_gib": 2.5,
    "put_chunked_cpu_s_per_gib": 2.2,
    "keep_alive_cpu_ms": 1.0,
    "connect_cpu_ms": 9.0,
    "workers_1_cpu_ms": 1.0,
    "workers_2_cpu_ms": 0.95,
    "idle_mib": 102.4,
    "tunnel_used_kib": 102.4,
}
GIB_A_SECOND = "8.589934592"  # Gbit/s
ALONE = ("--zones", "1", "--survive", "none", "--load", "1")

# type, traffic and fleet → instances, a zone, carries, bound by, busy
ROWS = [
    # 1 GiB/s down: 2 vCPUs = 1 instance; 8.59 x 1.047 Gbit/s on 6.25 = 1.44 instances
    ("c7gn.large", ("--down", GIB_A_SECOND, *ALONE), (2, 2, 2, "network", 0.5)),
    # the same on 12.5 Gbit/s and 4 vCPUs: 0.72 of one, and one more that may fail
    (
        "c7gn.xlarge",
        ("--down", GIB_A_SECOND, "--zones", "1", "--survive", "instance"),
        (2, 2, 1, "cpu", 0.25),
    ),
    # 1 GiB/s up: the dearer framing, 2.5 of 4 vCPUs
    ("c7gn.xlarge", ("--up", GIB_A_SECOND, *ALONE), (1, 1, 1, "network", 0.625)),
    # 1,000 requests: 1 vCPU, 100 connections: 0.8; 1.8 of 2 x 0.6 = 1.5 instances; two of three zones hold 2
    ("c7i.large", ("--requests", "1000", "--connections", "100"), (3, 1, 2, "cpu", 0.3)),
    ("c7i.large", ("--requests", "1000", "--connections", "100", "--speed", "2"), (3, 1, 1, "cpu", 0.15)),
    ("c7i.large", ("--requests", "1000", "--connections", "100", "--survive", "none"), (3, 1, 2, "cpu", 0.3)),
    # 1,000,000 tunnels: 97.66 GiB; 4 - 1 - 2 x 0.1 = 2.8 GiB of room: 34.9
    ("c7g.large", ("--tunnels", "1000000", *ALONE), (35, 35, 35, "memory", 0.0)),
    # nothing asked: still one that answers, in each zone
    ("c7g.large", ("--zones", "2"), (2, 1, 1, "cpu", 0.0)),
    # 100 Gbit/s: 70 + 30; 11.64 GiB/s: 8.149 x 2 + 3.492 x 2.5 = 25.03 vCPUs; 104.7 on 50 Gbit/s = 2.1; 25.03/9.6 = 2.6
    ("c7gn.4xlarge", ("--down", "70", "--up", "30"), (6, 2, 3, "cpu", 0.2607)),
]


@pytest.fixture
def costs(tmp_path: Path) -> Path:
    """The JSON of `make bench` with these costs."""
    path = tmp_path / "cost.json"
    write(path, COSTS)
    return path


def write(path: Path, found: dict[str, float]) -> None:
    rows = [{"row": name, "median": {"Squid": 9.9, "s3gate": value}} for name, value in found.items()]
    machine = {"date": "2026-11-22", "processors": "2 vCPU, AMD EPYC"}
    path.write_text(json.dumps({"machine": machine, "rows": rows}))


def run(costs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SIZING), "--costs", str(costs), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(("name", "arguments", "expected"), ROWS)
def test_hand_computed(
    costs: Path, name: str, arguments: tuple[str, ...], expected: tuple[int, int, int, str, float]
) -> None:
    done = run(costs, "--json", "--type", name, *arguments)
    assert done.returncode == 0, done.stderr
    size = json.loads(done.stdout)
    assert (
        tuple(size[key] for key in ("instances", "per_zone", "carries", "bound_by", "cpu_share")) == expected
    )
    assert size["vcpus_in_all"] == size["instances"] * size["vcpus"]


def test_what_two_workers_cost_more_counts(costs: Path) -> None:
    write(costs, COSTS | {"workers_2_cpu_ms": 1.2})
    done = run(costs, "--json", "--type", "c7g.large", "--requests", "1000", *ALONE)
    assert json.loads(done.stdout)["cpu_share"] == 0.6  # 1.2 of 2 vCPUs


def test_the_table_fits_80_columns_and_says_what_it_is(costs: Path) -> None:
    done = run(costs, "--down", "80", "--up", "20", "--requests", "20000", "--connections", "1000", "--all")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Measured 2026-11-22, 2 vCPU, AMD EPYC."
    assert "  4.3 Gbit/s down, 3.4 Gbit/s up, 1000 requests/s, 111 new connections/s" in lines
    assert lines[-1].startswith("An estimate:")


def test_a_family_is_all_its_types(costs: Path) -> None:
    done = run(costs, "--json", "--type", "c7gn")
    assert {json.loads(line)["name"].split(".")[0] for line in done.stdout.splitlines()} == {"c7gn"}
    assert len(done.stdout.splitlines()) == 7


def test_no_type_can(costs: Path) -> None:
    assert run(costs, "--type", "c7i.large", "--down", "1000").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--down", "-1"), "`-1` is not between"),
        (("--load", "2"), "`2` is not between"),
        (("--type", "t3.nano"), "no type `t3.nano`"),
    ],
)
def test_wrong_arguments(costs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(costs, *arguments)
    assert (done.returncode, words in done.stderr) == (2, True), done


def test_costs_without_a_row_are_refused(costs: Path, tmp_path: Path) -> None:
    write(costs, {name: value for name, value in COSTS.items() if name != "idle_mib"})
    done = run(costs)
    assert (done.returncode, "no 'idle_mib': run `make bench`" in done.stderr) == (2, True), done
    assert run(tmp_path / "none.json").returncode == 2


def test_the_types_are_dated_and_sourced() -> None:
    document = json.loads((ROOT / "deploy" / "instances.json").read_text())
    assert document["read"] >= "2026"
    assert all(source.startswith("https://") for source in document["sources"])
    names = [row["name"] for row in document["types"]]
    assert len(set(names)) == len(names)
    families: dict[str, list[dict[str, float]]] = {}
    for row in document["types"]:
        families.setdefault(row["name"].split(".")[0], []).append(row)
    for rows in families.values():  # a larger one has never less of anything
        assert rows == sorted(rows, key=lambda row: (row["vcpus"], row["memory_gib"], row["baseline_gbps"]))


def test_the_committed_costs_can_be_used() -> None:
    done = subprocess.run(
        [str(SIZING), "--down", "8"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
