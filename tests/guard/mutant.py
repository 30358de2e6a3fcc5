"""A seeded defect: one change of one file, and who must find it.

Read from tests/deploy/mutants/*.yaml. A change whose place is not there any more raises, so that no mutant quietly
becomes the original.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final  # Any: JSON

import yaml

from drive.templates import Json

FOLDER: Final = Path(__file__).resolve().parents[1] / "deploy" / "mutants"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect.

    Args:
        name: what is wrong, in words.
        file: template or unit.
        caught_by: a guard rule, a question's name, or `TOOL CHECK`.
        at: where in a template: keys, indexes, and mappings that pick an item of a list.
        change: `to`, `add`, `replace` or `remove` with its value.
    """

    name: str
    file: str
    caught_by: str
    at: tuple[Any, ...]
    change: tuple[str, Any]

    @property
    def id(self) -> str:
        """For the test's name."""
        return f"{self.file.partition('.')[0]}-{self.name.replace(' ', '-')}"

    def text(self, original: str) -> str:
        """A text file with the defect."""
        kind, (old, new) = self.change
        assert kind == "replace"
        assert original.count(old) == 1, f"{self.id}: {old!r} is {original.count(old)} times in {self.file}"
        return original.replace(old, new)

    def templates(self, originals: Mapping[str, Json]) -> dict[str, Json]:
        """All templates, one of them a copy with the defect."""
        found = {**originals, self.file: copy.deepcopy(originals[self.file])}
        *way, last = self.at
        node: Any = found[self.file]
        for step in way:
            node = node[_index(node, step)]
        index = _index(node, last)
        before = copy.deepcopy(node[index])
        kind, value = self.change
        if kind == "remove":
            del node[index]
            return found
        if kind == "to":
            node[index] = copy.deepcopy(value)
        elif kind == "replace":
            node[index] = self.text(node[index])
        elif isinstance(node[index], list):
            node[index] += copy.deepcopy(value)
        else:
            node[index].update(copy.deepcopy(value))
        assert node[index] != before, f"{self.id} changes nothing"
        return found


def _index(node: Any, step: Any) -> Any:
    if not isinstance(step, dict):
        return step
    (found,) = (number for number, one in enumerate(node) if step.items() <= one.items())
    return found


def read_mutants(*files: str) -> Iterator[Mutant]:
    """The mutants of these files, by their names without `.yaml`."""
    for file in files:
        for one in yaml.safe_load((FOLDER / f"{file}.yaml").read_text(encoding="utf-8")):
            (kind,) = one.keys() & {"to", "add", "replace", "remove"}
            yield Mutant(
                one["name"], one["file"], one["caught_by"], tuple(one.get("at", ())), (kind, one[kind])
            )
