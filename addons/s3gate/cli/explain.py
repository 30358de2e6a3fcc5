"""`s3gate explain`: what the policy decides about one request, or about a stream of them.

The normal case: a URL in, the reading, the verdict, the step that decided and what would
allow it out. It judges with the same `policy/decide.py` as the running gate; no DNS is asked.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import click

from s3gate.cli.explain_answer import Answer
from s3gate.cli.explain_stream import explain_stream
from s3gate.cli.given_policy import EXIT_INPUT, load_given
from s3gate.cli.pasted import MAX_PASTE_CHARS, Pasted, parse_paste
from s3gate.policy.as_signed import sign_as
from s3gate.policy.described_request import UnusableRequest, build_request
from s3gate.policy.reading import Request

EXIT_NO: Final = 1

# What --key-id takes the place of, in what was pasted.
_SIGNATURE: Final = frozenset({"authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})

_EPILOG: Final = """\b
Examples:
  s3gate explain --policy config/policy.yaml --method PUT --key-id AKIARTX3GSDSQAAACAQD \\
    --client 10.20.0.5 \\
    https://example-uploads.s3.ap-northeast-1.amazonaws.com/incoming/a.txt
  aws s3 ls s3://evil --debug 2>&1 | s3gate explain --policy config/policy.yaml --paste -
  s3gate explain --policy config/policy.yaml --jsonl < requests.jsonl
"""


@click.command(epilog=_EPILOG)
@click.argument("url", required=False)
@click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), required=True, help="The policy file."
)
@click.option("--jsonl", is_flag=True, help="Read requests as JSON lines, answer each with a line.")
@click.option(
    "--paste",
    type=click.File("r", errors="replace"),
    help="Instead of a URL: a file with awscli's --debug output or an egress record; - is standard input.",
)
@click.option("--method", help="The HTTP method.  [default: GET]")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; repeatable.")
@click.option("--key-id", help="As if signed (SigV4) by this access key id; otherwise anonymous.")
@click.option("--connect", help="Authority of the CONNECT, when it is not the URL's.")
@click.option("--sni", help="Server name of the ClientHello, when it is not the URL's; empty: none.")
@click.option("--client", help="The client's address.  [default: 127.0.0.1]")
@click.option("--user", help="The proxy user, as if the password were right.")
@click.option("--vpc-endpoint", help="Id of the VPC endpoint that the client came through.")
@click.option("--now", help="The time, ISO 8601.  [default: now]")
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON line.")
def command(  # noqa: PLR0913, PLR0917 - each is an option of the command, and click gives them by name
    url: str | None,
    policy_path: Path,
    jsonl: bool,
    paste: TextIO | None,
    method: str | None,
    headers: tuple[str, ...],
    key_id: str | None,
    connect: str | None,
    sni: str | None,
    client: str | None,
    user: str | None,
    vpc_endpoint: str | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Say what the policy decides about a request, and why.

    Prints what was read, the verdict, the steps in order with the one that decided, the
    rule with its line, and for a denial the smallest change to the policy that would
    allow it: tried with the same code, on the whole file. With --paste the time is that
    of what was pasted, unless --now says another.

    Exit code 0 when it is allowed, 1 when it is denied, 2 when the input is wrong.
    With --jsonl: 0 when every line was answered, 2 when one was not JSON.
    """
    if [jsonl, url is not None, paste is not None].count(True) != 1:
        raise click.UsageError("give one of a URL, --paste and --jsonl")
    if paste is not None and (method is not None or headers):
        raise click.UsageError("--paste brings method and headers; leave out --method and --header")
    policy, data = load_given(policy_path, as_json=as_json)
    if jsonl:
        all_json = explain_stream(policy, sys.stdin.buffer, sys.stdout.buffer, lambda: datetime.now(UTC))
        raise click.exceptions.Exit(0 if all_json else EXIT_INPUT)
    given = {
        "connect": connect,
        "client": client,
        "user": user,
        "vpc_endpoint": vpc_endpoint,
        "now": now,
    }
    said: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if sni is not None:
        said["sni"] = sni or None
    try:
        pasted = Pasted({"method": method or "GET", "url": url or ""}) if paste is None else _read(paste)
        fields = {**pasted.fields, **said}
        request = _with_headers(build_request(fields, datetime.now(UTC)), headers, key_id or pasted.key_id)
    except UnusableRequest as exc:
        raise click.UsageError(str(exc)) from exc
    notes = pasted.notes
    if paste is not None and "client" not in fields:
        notes = (*notes, f"who asked is not in it: judged as {request.client.address}; --client says another")
    answer = Answer(policy_path, data, policy, request, notes)
    click.echo(answer.render_json() if as_json else answer.render())
    raise click.exceptions.Exit(0 if answer.decision.allowed else EXIT_NO)


def _read(paste: TextIO) -> Pasted:
    text = paste.read(MAX_PASTE_CHARS + 1)
    if len(text) > MAX_PASTE_CHARS:
        raise UnusableRequest(f"what was pasted has more than {MAX_PASTE_CHARS} characters; cut it")
    return parse_paste(text)


def _with_headers(request: Request, headers: tuple[str, ...], key_id: str | None) -> Request:
    """The request with a person's headers; the URL's Host stays unless they give one."""
    pairs = []
    for number, header in enumerate(headers, 1):
        name, colon, value = header.partition(":")
        if not colon:
            raise UnusableRequest(f"--header number {number} has no colon")
        pairs.append((name, value.strip(" \t")))
    if any(name.lower() == "host" for name, _ in pairs):
        kept: tuple[tuple[str, str], ...] = tuple(pairs)
    else:
        kept = (*request.headers, *pairs)
    if key_id is None:
        return replace(request, headers=kept)
    return sign_as(
        replace(request, headers=tuple(one for one in kept if one[0].lower() not in _SIGNATURE)), key_id
    )
