"""The same attacks against s3gate and against Squid, side by side: what of each class reaches S3.

`python -m bypass.table [--rows] [--results FILE]` prints, for each class, how many rows got
through; with `--rows` the rows before it; with `--results` it writes the table as Markdown too.
Progress goes to standard error. Squid needs its origin on port 443 of a loopback address: run it as root.
"""

import argparse
import asyncio
import platform
import re
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from time import monotonic

from bypass.attack import Attack, load_all
from bypass.ground import S3_ADDRESS, S3_NAMES, run_ground
from bypass.wire import attack_proxy
from drive.squid import missing, run_squid
from e2e.fake_s3 import FakeS3
from e2e.rig import server_context
from s3gate.proxy.authority import Authority

QUIET_S = 0.03  # behind an answer on loopback
SQUID_PATIENCE_S = 0.3  # Squid says nothing at all to some rows; what it sends on, it sends at once
# What Squid cannot be made to do here: its name server is a file, and it is not asked what S3 answers.
NOT_FOR_SQUID = {"dns", "upstream"}
NAME = re.compile(r"(?<![a-z0-9_-])[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+", re.ASCII)
ALLOWED = [
    *(
        f"{bucket}.s3.{suffix}"
        for bucket in [
            "good-bucket",
            "read-only-bucket",
            "drop-bucket",
            "keyed-bucket",
            "client-bucket",
            "account-bucket",
            "owned-bucket",
            "other-bucket",
            "dotted.bucket.name",
        ]
        for suffix in ("ap-northeast-1.amazonaws.com", "us-east-1.amazonaws.com", "amazonaws.com")
    ),
    "s3.ap-northeast-1.amazonaws.com",  # path-style clients need it
    "sts.ap-northeast-1.amazonaws.com",
]


Results = Mapping[str, set[Attack]]
PAGE = """# What got through

{date}: {versions}; on loopback, one run of

    make bypass RESULTS=tests/bypass/RESULTS.md

A row is one attack of `attacks/`, sent byte by byte to each proxy in turn, with a fake S3 behind it. The number is
how many rows of the class reached that S3: a request that it should not see, or bytes that are not TLS.

Squid has a list of the same host names (`dstdomain`), once without and once with opening TLS (`ssl-bump`). It was
asked for nothing else: where its list of names cannot say what may be done to a bucket (`config`, `copy`,
`credentials`, `encryption`, `read-only`, …) the number is what such a list leaves open, not a fault of Squid. What
S3 itself would then have refused is not subtracted. `-`: the class speaks of the gate's own name server, or of forged
answers, and was not fought against Squid.

{table}
"""


def got_through(attack: Attack, s3: FakeS3) -> bool:
    """Whether S3 read a request of an attack that it should not see, or bytes that are not TLS.

    A connection alone does not count: Squid makes one to see the certificate, before it decides.
    """
    targets = {head.split(b" ")[1].decode("latin-1") for head in s3.heads if head.count(b" ") > 1}
    return bool(targets - set(attack.passes)) or any(seen.not_tls for seen in s3.connections)


async def against(
    name: str, attacks: list[Attack], fight: Callable[[Attack], Awaitable[bool]]
) -> set[Attack]:
    """The attacks that got through a proxy; a line of progress for each class.

    Args:
        name: of the proxy.
        attacks: rows, one class behind the other.
        fight: plays one row; whether it got through.
    """
    through = set()
    for category, group in groupby(attacks, lambda attack: attack.category):
        rows, started = list(group), monotonic()
        passed = {attack for attack in rows if await fight(attack)}
        took = monotonic() - started
        print(f"{name}: {category}: {len(passed)} of {len(rows)} through, {took:.0f} s", file=sys.stderr)
        through |= passed
    return through


async def against_s3gate(name: str, attacks: list[Attack], directory: Path) -> set[Attack]:
    async with run_ground(directory) as ground:

        async def fight(attack: Attack) -> bool:
            with ground.prepared(attack):
                await attack_proxy(attack, ground.gate.port, QUIET_S)
            return got_through(attack, ground.s3) or bool(ground.s3.connections and not attack.passes)

        return await against(name, attacks, fight)


async def against_squid(name: str, attacks: list[Attack], directory: Path, *, bump: bool) -> set[Attack]:
    theirs = Authority.generate(datetime.now(UTC))
    roots = directory / f"s3-{bump}.pem"
    roots.write_bytes(theirs.certificate_pem())
    texts = [f"{one.connect} {one.send.decode('latin-1')}" for one in attacks]
    names = dict.fromkeys([*ALLOWED, *(name for text in texts for name in NAME.findall(text))], S3_ADDRESS)

    async with FakeS3(server_context(theirs, *S3_NAMES), host=S3_ADDRESS, ports=(443, 80)) as s3:
        with run_squid(directory / f"squid-{bump}", ALLOWED, names, roots, bump=bump) as squid:

            async def fight(attack: Attack) -> bool:
                s3.connections.clear()
                await attack_proxy(attack, squid.port, QUIET_S, SQUID_PATIENCE_S)
                return got_through(attack, s3)

            return await against(name, attacks, fight)


async def compare(directory: Path) -> dict[str, set[Attack]]:
    """What got through each proxy."""
    attacks = [one for one in load_all() if one.category not in NOT_FOR_SQUID]
    (directory / "s3gate").mkdir()
    return {
        "s3gate": await against_s3gate("s3gate", load_all(), directory / "s3gate"),
        "Squid dstdomain": await against_squid("Squid dstdomain", attacks, directory, bump=False),
        "Squid ssl-bump": await against_squid("Squid ssl-bump", attacks, directory, bump=True),
    }


def count(results: Results) -> list[list[str]]:
    """The table's cells: a heading, a line a class, the sum; `-` where a class is not for that proxy."""
    attacks = load_all()
    counts = Counter(attack.category for attack in attacks)
    lines = [["class", "rows", *results]]
    for category, rows in counts.items():
        cells = []
        for name, through in results.items():
            skipped = name != "s3gate" and category in NOT_FOR_SQUID
            cells.append("-" if skipped else str(sum(one.category == category for one in through)))
        lines.append([category, str(rows), *cells])
    lines.append(["in all", str(len(attacks)), *(str(len(through)) for through in results.values())])
    return lines


def render(results: Results, *, rows: bool) -> str:
    """The table as text, the rows that got through before it when they are asked for."""
    lines = []
    if rows:
        for name, through in results.items():
            lines += [f"{name}: {one}" for one in sorted(through, key=str)]
    lines += [
        f"{first:<16}{many:>6}" + "".join(f"{cell:>18}" for cell in cells)
        for first, many, *cells in count(results)
    ]
    return "\n".join(lines)


def render_markdown(results: Results, today: date, versions: Mapping[str, str]) -> str:
    """The table as a page, with its date and what was fought.

    Args:
        results: what got through each proxy.
        today: the day of the run.
        versions: of what took part.
    """
    heading, *lines = count(results)
    table = [heading, ["---", *["---:"] * (len(heading) - 1)], *lines]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    took_part = ", ".join(f"{name} {version}" for name, version in versions.items())
    return PAGE.format(date=today.isoformat(), versions=took_part, table=body)


def versions_of() -> dict[str, str]:
    """What takes part, with its version."""
    squid = subprocess.run(["squid", "-v"], check=True, capture_output=True, text=True).stdout
    return {
        "s3gate": version("s3gate"),
        "mitmproxy": version("mitmproxy"),
        "Squid": squid.partition("Version ")[2].split()[0],
        "CPython": platform.python_version(),
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split()[0],
    }


def keep_quiet(unraisable: "sys.UnraisableHookArgs") -> None:
    """The fake S3's own TLS stumbles over names that are not ASCII, which Squid hands on: that is no news."""
    if not isinstance(unraisable.exc_value, UnicodeDecodeError):
        sys.__unraisablehook__(unraisable)


def main() -> int:
    """Fight, and print the table."""
    options = argparse.ArgumentParser(prog="python -m bypass.table", description=__doc__)
    options.add_argument("--rows", action="store_true", help="print what got through, row by row")
    options.add_argument("--results", type=Path, metavar="FILE", help="write the table as Markdown")
    chosen = options.parse_args()
    if (problem := missing()) is not None:
        print(problem, file=sys.stderr)
        return 3
    sys.unraisablehook = keep_quiet
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o755)
        results = asyncio.run(compare(directory))
    print(render(results, rows=chosen.rows))
    if chosen.results is not None:
        chosen.results.write_text(render_markdown(results, datetime.now(UTC).date(), versions_of()))
    return 1 if results["s3gate"] else 0


if __name__ == "__main__":
    sys.exit(main())
