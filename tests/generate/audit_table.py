"""The README's table of what a record holds, from `config/audit.schema.json`.

`make readme` after the schema changed rewrites what stands between the two marks.
"""

import json
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
