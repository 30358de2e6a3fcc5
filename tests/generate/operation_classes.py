"""The README's table of operation classes, from `s3/operation_table.py`.

`make readme` after a row changed rewrites what stands between the two marks.
"""

from s3gate.s3.operation_index import OPERATION_CLASS
from s3gate.s3.operation_table import OperationClass

BEGIN = "<!-- operations: made by tests/generate/operation_classes.py -->\n"
END = "<!-- end of operations -->\n"


def render() -> str:
    """The table with its marks."""
    lines = ["| class | operations |\n|---|---|\n"]
    for one in OperationClass:
        names = sorted(name for name, found in OPERATION_CLASS.items() if found is one)
        lines.append(f"| `{one}` | {' '.join(names)} |\n")
    return BEGIN + "".join(lines) + END
