"""What a runbook holds: its names, the blocks that are run, those that need something else, what is printed."""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
INFOS = {"sh", "sh names", "text printed", "sh needs AWS", "sh needs an instance", "powershell needs Windows"}
NAME = re.compile(r"\b([A-Z_]+)=(\S+)")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        info: what stands behind the fence.
        body: its lines.
    """

    info: str
    body: str


@dataclass(frozen=True)
class Runbook:
    """A runbook, cut into its blocks."""

    path: Path
    blocks: tuple[Block, ...]

    @classmethod
    def read(cls, path: Path) -> "Runbook":
        text = path.read_text(encoding="utf-8")
        found = tuple(Block(one["info"], one["body"]) for one in FENCE.finditer(text))
        assert text.count("```") == 2 * len(found), f"{path.name}: a fence that is not understood"
        assert {one.info for one in found} <= INFOS, {one.info for one in found} - INFOS
        return cls(path, found)

    @property
    def names(self) -> list[str]:
        """What the first block names, for a person to set."""
        assert self.blocks[0].info == "sh names", "names come first"
        assert [one.info for one in self.blocks].count("sh names") == 1
        return [one[1] for one in NAME.finditer(re.sub(r"#.*", "", self.blocks[0].body))]

    def script(self, values: dict[str, str]) -> str:
        """All that is run, as one script: variables hold from block to block, as in a person's shell."""
        assert set(self.names) <= set(values), set(self.names) - set(values)
        exports = [f"export {name}='{values[name]}'" for name in self.names]
        run = [one.body for one in self.blocks if one.info == "sh"]
        return "\n".join(["set -euo pipefail", *exports, *run])

    @property
    def printed(self) -> list[re.Pattern[str]]:
        """What each line of what is printed must be like, `…` for anything."""
        lines = [line for one in self.blocks if one.info == "text printed" for line in one.body.splitlines()]
        return [re.compile(".*" + ".*".join(map(re.escape, line.split("…"))), re.MULTILINE) for line in lines]
