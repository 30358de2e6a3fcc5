"""`deploy/build`: words in, a tarball and its checksum out.

The normal case prints what it does and, last, the file with its SHA-256.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Final

import click
from packaging.utils import parse_wheel_filename

from release.archive import render_gzip, render_tar
from release.content import lay_out
from release.lock import LockError, Pin, parse_lock, render_requirements
from release.tree import NoTree, Tree, build_wheel, read_tree
from release.wheelhouse import MACHINES, PYTHONS, NoWheels, Target, gather, read_digests

EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3
TOP: Final = Path(__file__).resolve().parents[2]
LOCK: Final = "deploy/development/locks/release-{}.txt"
_EPILOG: Final = """\b
Examples:
  deploy/build
  deploy/build --commit v0.1.0 --machine aarch64 --python 3.13 --out /tmp/release
  deploy/build --wheels ./wheels                # without an index
"""


@click.command(epilog=_EPILOG)
@click.option("--commit", default="HEAD", show_default=True, help="What is released.")
@click.option(
    "--top", type=click.Path(path_type=Path), default=TOP, help="Of the repository; default: this one."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("dist"), show_default=True, help="Where to."
)
@click.option(
    "--python", "pythons", multiple=True, type=click.Choice(PYTHONS), default=PYTHONS, help="For which."
)
@click.option(
    "--machine", "machines", multiple=True, type=click.Choice(MACHINES), default=MACHINES, help="On which."
)
@click.option(
    "--wheels", type=click.Path(path_type=Path, exists=True), help="Take wheels from here, ask no index."
)
def main(
    commit: str,
    top: Path,
    out: Path,
    pythons: tuple[str, ...],
    machines: tuple[str, ...],
    wheels: Path | None,
) -> None:
    """Make the release of a commit: OUT/s3gate-VERSION.tar.gz and its .sha256.

    It holds the wheels of every locked package for each Python and processor, that of s3gate, the
    systemd units, the installer and a CycloneDX bill of materials. The same commit gives the same
    bytes. Exit code 2: the commit or its lock is wrong; 3: wheels cannot be had.
    """
    try:
        tree = read_tree(top, commit)
        if tree.changed:
            click.echo("what is not committed is not in it", err=True)
        file = make(tree, pythons, machines, wheels, out)
    except (NoTree, LockError) as exc:
        click.echo(f"{exc}", err=True)
        sys.exit(EXIT_INPUT)
    except NoWheels as exc:
        click.echo(f"{exc}", err=True)
        sys.exit(EXIT_ENVIRONMENT)
    click.echo(f"{file}: {file.with_name(file.name + '.sha256').read_text().split()[0]}")


def make(
    tree: Tree, pythons: tuple[str, ...], machines: tuple[str, ...], source: Path | None, out: Path
) -> Path:
    """The tarball of a tree.

    Args:
        tree: of the commit.
        pythons: like `3.13`.
        machines: as `uname -m` says.
        source: directory to take wheels from; None: pip's index.
        out: where to.

    Raises:
        NoTree, LockError: the commit cannot be released.
        NoWheels: wheels cannot be had.
    """
    locks = {python: _lock(tree, python) for python in sorted(set(pythons))}
    name, own = build_wheel(tree)
    version = str(parse_wheel_filename(name)[1])
    with tempfile.TemporaryDirectory() as scratch:
        held: dict[str, tuple[Pin, ...]] = {}
        wheels = {name: own}
        for python, pins in locks.items():
            directory = Path(scratch, python)
            directory.mkdir()
            for machine in sorted(set(machines)):
                click.echo(f"wheels for Python {python} on {machine} ...", err=True)
                gather(pins, Target(python, machine), directory, source)
            held[python] = read_digests(directory, pins)
            wheels |= {path.name: path.read_bytes() for path in directory.iterdir()}
    mine = Pin(parse_wheel_filename(name)[0], version, None, frozenset({hashlib.sha256(own).hexdigest()}))
    requirements = {python: render_requirements([mine, *pins]) for python, pins in held.items()}
    files = lay_out(tree, version, wheels, requirements)
    title = f"s3gate-{version}"
    data = render_gzip(render_tar({f"{title}/{path}": entry for path, entry in files.items()}, tree.seconds))
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{title}.tar.gz"
    file.write_bytes(data)
    file.with_name(f"{file.name}.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {file.name}\n")
    return file


def _lock(tree: Tree, python: str) -> tuple[Pin, ...]:
    path = LOCK.format(python)
    if path not in tree.files:
        raise LockError(f"the commit has no `{path}`: run `make lock`")
    return parse_lock(tree.files[path].data.decode())


if __name__ == "__main__":
    main(prog_name="deploy/build")
