"""`s3gate ca bundle`: one PEM file of all CAs that clients must trust now.

The normal case: the old CA and the new one while a change goes on, the new one alone
afterwards. A private key never gets into it, whatever the files hold.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import click
from cryptography import x509

from s3gate.cli.audit.place import EXIT_NO, WrongEnvironment, WrongInput
from s3gate.proxy.authority import CaUnusable
from s3gate.proxy.ca_bundle import CaDescription, cut_certificates, describe_ca, parse_cas, render_pem

_PUBLIC: Final = 0o644
_EPILOG: Final = """\b
Examples:
  s3gate ca bundle ./ca/ca.pem ./ca-next/ca.pem --out bundle.pem
  s3gate ca bundle ./ca-next/ca.pem --out bundle.pem --replace --json
  s3gate ca bundle ./ca/ca.pem --roots "$(python3 -m certifi)" > bundle.pem
"""


@click.command(name="bundle", epilog=_EPILOG)
@click.argument(
    "certificates", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option(
    "--roots",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Public roots (PEM) to add, for clients that also go elsewhere.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: standard output]",
)
@click.option("--replace", is_flag=True, help="--out may be there already; it is replaced as a whole.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a CA, with --out.")
def bundle_command(
    certificates: tuple[Path, ...], roots: Path | None, out: Path | None, *, replace: bool, as_json: bool
) -> None:
    """Write one PEM file of all CAs that clients must trust now.

    CERTIFICATES are files with CA certificates. Each CA is taken once. A file that holds a
    private key is refused, so that none is handed out. Exit code 1: a CA has ended; 2: a
    file holds no CA; 3: --out is there already, or cannot be written.
    """
    if as_json and out is None:
        raise click.UsageError("--json describes what --out holds: give --out")
    found = {one: describe_ca(one) for path in certificates for one in _read(path)}
    now = datetime.now(UTC)
    for one in found.values():
        if one.ends <= now:
            click.echo(f"`{one.name}` ended on {one.ends:%Y-%m-%d}: leave its file out", err=True)
    if any(one.ends <= now for one in found.values()):
        raise click.exceptions.Exit(EXIT_NO)
    public = _read_roots(roots) if roots is not None else ()
    data = render_pem(found) + b"".join(public)
    if out is None:
        click.echo(data, nl=False)
    else:
        _write(out, data, replace=replace)
    for one in found.values():
        _tell(one, as_json=as_json, err=out is None)
    if public and not as_json:
        click.echo(f"and {len(public)} public roots of {roots}", err=out is None)


def _tell(one: CaDescription, *, as_json: bool, err: bool) -> None:
    if as_json:
        click.echo(json.dumps(one.as_data()))
        return
    click.echo(f"{one.name}, until {one.ends:%Y-%m-%d}, SHA-256 {one.sha256[:16]}…", err=err)
    if not one.constrained:
        click.echo(
            "  it may sign for any name: whose key is stolen forges any site for these clients", err=True
        )


def _read(path: Path) -> list[x509.Certificate]:
    try:
        return parse_cas(path.read_bytes())
    except CaUnusable as exc:
        raise WrongInput(f"`{path}`: {exc}") from exc
    except OSError as exc:
        raise WrongInput(f"`{path}` cannot be read: {exc.strerror}") from exc


def _read_roots(path: Path) -> list[bytes]:
    try:
        return cut_certificates(path.read_bytes())
    except CaUnusable as exc:
        raise WrongInput(f"`{path}`: {exc}") from exc
    except OSError as exc:
        raise WrongInput(f"`{path}` cannot be read: {exc.strerror}") from exc


def _write(out: Path, data: bytes, *, replace: bool) -> None:
    """The whole file or none: clients may read it at any moment."""
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            beside = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                beside.chmod(_PUBLIC)
                if replace:
                    beside.replace(out)
                else:
                    os.link(beside, out)  # fails when it is there, also when it came this moment
            finally:
                beside.unlink(missing_ok=True)
    except FileExistsError as exc:
        raise WrongEnvironment(f"`{out}` is there already: add --replace, or name another file") from exc
    except OSError as exc:
        raise WrongEnvironment(f"`{out}` cannot be written ({exc.strerror}): name another file") from exc
