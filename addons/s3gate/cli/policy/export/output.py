"""Policies on standard output, what a person should know on standard error.

The normal case: one policy, indented, ready for `> endpoint.json`. With `--json` one object
a line, with the policy inside and how long it is.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import click

from s3gate.aws.export.document import Document, render_document
from s3gate.aws.export.size import Limit, fit_document


@dataclass(frozen=True, slots=True)
class Export:
    """One policy.

    Args:
        kind: name of the command.
        document: the policy.
        limit: how long AWS takes it.
        about: what it is for, such as `region` or `bucket`.
    """

    kind: str
    document: Document
    limit: Limit
    about: dict[str, object] = field(default_factory=dict)


def tell_exports(exports: Sequence[Export], notes: Iterable[str], *, as_json: bool) -> None:
    """Print policies that fit.

    Args:
        exports: in order.
        notes: sentences for a person.
        as_json: whether each is an object on one line.
    """
    tell_notes(notes)
    for export in exports:
        text = fit_document(export.document, export.limit) or render_document(export.document)
        if as_json:
            characters = len(render_document(export.document))
            fields = {"kind": export.kind, **export.about, "characters": characters}
            click.echo(json.dumps({**fields, "limit": export.limit.characters, "policy": export.document}))
            continue
        if len(exports) > 1:
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in export.about.items())
            click.echo(f"policy for {told}:", err=True)
        click.echo(text)


def tell_notes(notes: Iterable[str]) -> None:
    """Print each note once."""
    for note in dict.fromkeys(notes):
        click.echo(f"note: {note}", err=True)
