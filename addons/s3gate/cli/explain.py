"""`s3gate explain`: what the policy decides about one request, or about a stream of them.

The normal case: a URL in, the reading, the verdict and its sentence out. It judges
with the same `policy/decide.py` as the running gate; no DNS is asked.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from s3gate.cli.excerpt import printable, source_lines
from s3gate.cli.explain_line import ANSWER_FIELDS, render_answer
from s3gate.cli.explain_stream import explain_stream
from s3gate.cli.given_policy import EXIT_INPUT, load_given
from s3gate.cli.steps import refusing_step
from s3gate.policy.as_signed import sign_as
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision
from s3gate.policy.described_request import UnusableRequest, build_request
from s3gate.policy.mistake import quote
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request

EXIT_NO: Final = 1

_EPILOG: Final = """\b
Examples:
  s3gate explain --policy config/policy.yaml --method PUT --key-id AKIARTX3GSDSQAAACAQD --client 10.20.0.5 \\
    https://example-uploads.s3.ap-northeast-1.amazonaws.com/incoming/a.txt
  s3gate explain --policy config/policy.yaml --jsonl < requests.jsonl
"""


@click.command(epilog=_EPILOG)
@click.argument("url", required=False)
@click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), required=True, help="The policy file."
)
@click.option("--jsonl", is_flag=True, help="Read requests as JSON lines, answer each with a line.")
@click.option("--method", default="GET", show_default=True, help="The HTTP method.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; repeatable.")
@click.option("--key-id", help="As if signed (SigV4) by this access key id; otherwise anonymous.")
@click.option("--connect", help="Authority of the CONNECT, when it is not the URL's.")
@click.option("--sni", help="Server name of the ClientHello, when it is not the URL's; empty: none.")
@click.option("--client", help="The client's address.  [default: 127.0.0.1]")
@click.option("--now", help="The time, ISO 8601.  [default: now]")
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON line.")
def command(  # noqa: PLR0913, PLR0917 - each is an option of the command, and click gives them by name
    url: str | None,
    policy_path: Path,
    jsonl: bool,
    method: str,
    headers: tuple[str, ...],
    key_id: str | None,
    connect: str | None,
    sni: str | None,
    client: str | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Say what the policy decides about a request, and why.

    Exit code 0 when it is allowed, 1 when it is denied, 2 when the input is wrong.
    With --jsonl: 0 when every line was answered, 2 when one was not JSON.
    """
    if jsonl == (url is not None):
        raise click.UsageError("give either a URL or --jsonl")
    policy, data = load_given(policy_path, as_json=as_json)
    if url is None:
        all_json = explain_stream(policy, sys.stdin.buffer, sys.stdout.buffer, lambda: datetime.now(UTC))
        raise click.exceptions.Exit(0 if all_json else EXIT_INPUT)
    fields: dict[str, object] = {"method": method, "url": url}
    given = {"connect": connect, "client": client, "now": now}
    fields.update({name: value for name, value in given.items() if value is not None})
    if sni is not None:
        fields["sni"] = sni or None
    try:
        request = _with_headers(build_request(fields, datetime.now(UTC)), headers, key_id)
    except UnusableRequest as exc:
        raise click.UsageError(str(exc)) from exc
    decision = decide_request(policy, request)
    if as_json:
        click.echo(json.dumps(render_answer(None, decision), separators=(",", ":")))
    else:
        _print(policy, request, decision, policy_path, source_lines(data))
    raise click.exceptions.Exit(0 if decision.allowed else EXIT_NO)


def _with_headers(request: Request, headers: tuple[str, ...], key_id: str | None) -> Request:
    """The request with a person's headers; the URL's Host stays unless they give one."""
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise UnusableRequest(f"header {quote(header)} has no colon")
        pairs.append((name, value.strip(" \t")))
    if any(name.lower() == "host" for name, _ in pairs):
        kept: tuple[tuple[str, str], ...] = tuple(pairs)
    else:
        kept = (*request.headers, *pairs)
    sent = replace(request, headers=kept)
    return sent if key_id is None else sign_as(sent, key_id)


def _print(policy: Policy, request: Request, decision: Decision, path: Path, lines: list[str]) -> None:
    reading = decision.reading
    for field in ("host", *ANSWER_FIELDS):
        value = getattr(reading, field)
        if field == "copy_source" and value is not None:
            value = f"{value.bucket}/{value.key}" + (
                f" version {value.version_id}" if value.version_id else ""
            )
        if value is not None:
            click.echo(f"{field.replace('_', ' '):<15} {printable(value)}")
    click.echo(f"{'decision':<15} {decision.word}, {decision.reason.value}")
    if decision.would_deny is not None:
        click.echo(f"{'would deny':<15} {decision.would_deny.value}")
    click.echo(f"{'because':<15} {printable(decision.detail)}")
    step = refusing_step(policy, request, decision)
    if step is not None:
        click.echo(f"{'step':<15} {step}")
    rule = next((one for one in policy.rules if one.id == decision.rule), None)
    if rule is not None:
        click.echo(f"{'rule':<15} {rule.id} ({path}:{rule.line})")
        click.echo(f"{'':<15} {lines[rule.line - 1].strip()}")
