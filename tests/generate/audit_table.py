"""The README's table of what a record holds, from `config/audit.schema.json`.

Run `python tests/generate/audit_table.py README.md` after the schema changed: it rewrites what stands
between the two marks. A test compares the README with `render()`.
"""

import json
import sys
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "config" / "audit.schema.json"
BEGIN = "<!-- audit record: made by tests/generate/audit_table.py -->\n"
END = "<!-- end of audit record -->\n"
KINDS = ("egress", "completion", "policy", "monitor", "heartbeat", "dead_letter", "audit_backfill")
SEALED = ("schema", "event", "audit_id", "writer", "seq", "prev", "hash")


def render() -> str:
    """The table, with its marks."""
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    rows = ["| event | what it records | its own fields |\n|---|---|---|\n"]
    for kind in KINDS:
        fields = [name for name in definitions[kind]["properties"] if name not in SEALED]
        names = ", ".join(f"`{name}`" for name in fields)
        rows.append(f"| `{kind}` | {definitions[kind]['description']} | {names} |\n")
    for part in ("client", "request", "identity"):
        names = ", ".join(f"`{name}`" for name in definitions[part]["properties"])
        rows.append(f"| `{part}` | {definitions[part].get('description', 'inside `egress`')} | {names} |\n")
    return BEGIN + "".join(rows) + END


def replace(text: str) -> str:
    """A document with the table between its marks made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the marks of the table are not there")
    return before + render() + after


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(replace(document.read_text(encoding="utf-8")), encoding="utf-8")
