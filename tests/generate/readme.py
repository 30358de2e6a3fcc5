"""What programs make of the README and of the commands' reference: `make readme` makes it anew.

Each maker gives its part whole, with the two marks between which it stands; a test compares.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from generate import audit_table, command_reference, cost_section, operation_classes, preset_table

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
REFERENCE = ROOT / "addons" / "s3gate" / "cli" / "README.md"
PARTS: dict[str, Callable[[], str]] = {
    "records": audit_table.render,
    "presets": preset_table.render,
    "operations": operation_classes.render,
    "costs": cost_section.render,
}


def replace_part(text: str, made: str) -> str:
    """A document with one part made anew.

    Args:
        text: the document.
        made: the part; its first and last line are the marks.

    Raises:
        ValueError: the marks are not there.
    """
    lines = made.splitlines(keepends=True)
    before, begin, rest = text.partition(lines[0])
    _, end, after = rest.partition(lines[-1])
    if not begin or not end:
        raise ValueError(f"the marks of `{lines[0].strip()}` are not there")
    return before + made + after


def main() -> int:
    """Rewrite both documents."""
    text = README.read_text(encoding="utf-8")
    for render in PARTS.values():
        text = replace_part(text, render())
    README.write_text(text, encoding="utf-8")
    REFERENCE.write_text(command_reference.render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
