"""The same attacks against s3gate and against Squid, side by side: what of each class reaches S3.

`python -m bypass.table [--rows]` prints, for each class, how many rows got through; with
`--rows` the rows too. Squid needs its origin on port 443 of a loopback address: run it as root.
"""

import asyncio
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bypass.attack import Attack, load_all
from bypass.ground import S3_ADDRESS, S3_NAMES, run_ground
from bypass.wire import attack_proxy
from drive.squid import missing, run_squid
from e2e.fake_s3 import FakeS3, answering, serve_ok
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


def got_through(attack: Attack, s3: FakeS3) -> bool:
    """Whether S3 read a request of an attack that it should not see, or bytes that are not TLS.

    A connection alone does not count: Squid makes one to see the certificate, before it decides.
    """
    targets = {head.split(b" ")[1].decode("latin-1") for head in s3.heads if head.count(b" ") > 1}
    return bool(targets - set(attack.passes)) or any(seen.not_tls for seen in s3.connections)


async def against(
    attacks: list[Attack], port: int, s3: FakeS3, prepared: Callable[[Attack], None]
) -> set[Attack]:
    """The attacks that got through a proxy."""
    through = set()
    for attack in attacks:
        s3.connections.clear()
        prepared(attack)
        await attack_proxy(attack, port, QUIET_S, SQUID_PATIENCE_S)
        if got_through(attack, s3):
            through.add(attack)
    return through


async def against_s3gate(attacks: list[Attack], directory: Path) -> set[Attack]:
    async with run_ground(directory) as ground:
        through = set()
        for attack in attacks:
            with ground.prepared(attack):
                await attack_proxy(attack, ground.gate.port, QUIET_S)
            if got_through(attack, ground.s3) or (ground.s3.connections and not attack.passes):
                through.add(attack)
        return through


async def against_squid(attacks: list[Attack], directory: Path, *, bump: bool) -> set[Attack]:
    theirs = Authority.generate(datetime.now(UTC))
    roots = directory / f"s3-{bump}.pem"
    roots.write_bytes(theirs.certificate_pem())
    texts = [f"{one.connect} {one.send.decode('latin-1')}" for one in attacks]
    names = dict.fromkeys([*ALLOWED, *(name for text in texts for name in NAME.findall(text))], S3_ADDRESS)

    def prepared(attack: Attack) -> None:
        s3.script = answering(attack.answer, close=False) if attack.answer is not None else serve_ok

    async with FakeS3(server_context(theirs, *S3_NAMES), host=S3_ADDRESS, ports=(443, 80)) as s3:
        with run_squid(directory / f"squid-{bump}", ALLOWED, names, roots, bump=bump) as squid:
            return await against(attacks, squid.port, s3, prepared)


async def compare(directory: Path) -> dict[str, set[Attack]]:
    """What got through each proxy."""
    attacks = [one for one in load_all() if one.category not in NOT_FOR_SQUID]
    (directory / "s3gate").mkdir()
    return {
        "s3gate": await against_s3gate(load_all(), directory / "s3gate"),
        "Squid dstdomain": await against_squid(attacks, directory, bump=False),
        "Squid ssl-bump": await against_squid(attacks, directory, bump=True),
    }


def render(results: dict[str, set[Attack]], *, rows: bool) -> str:
    """The table as text."""
    attacks = load_all()
    counts = Counter(attack.category for attack in attacks)
    lines = [f"{'class':<16}{'rows':>6}" + "".join(f"{name:>18}" for name in results)]
    for category, count in counts.items():
        cells = []
        for name, through in results.items():
            skipped = name != "s3gate" and category in NOT_FOR_SQUID
            cells.append("-" if skipped else str(sum(one.category == category for one in through)))
        lines.append(f"{category:<16}{count:>6}" + "".join(f"{cell:>18}" for cell in cells))
    totals = "".join(f"{len(through):>18}" for through in results.values())
    lines.append(f"{'through in all':<16}{len(attacks):>6}{totals}")
    if rows:
        for name, through in results.items():
            lines += [f"{name}: {one}" for one in sorted(through, key=str)]
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    if (problem := missing()) is not None:
        print(problem, file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o755)
        results = asyncio.run(compare(directory))
    print(render(results, rows="--rows" in sys.argv))
    return 1 if results["s3gate"] else 0


if __name__ == "__main__":
    sys.exit(main())
