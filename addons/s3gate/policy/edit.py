"""One edit of a policy document: where, which words, and the sentence that tells it.

The normal case adds a word to a list of a rule. A document is the plain tree of the file;
edits are tried on copies of it.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Final

import yaml

from s3gate.policy.located import Node, Plain
from s3gate.policy.reading import Reading

type Document = dict[str, Plain]

_TARGETS: Final = ("bucket", "fqdn", "access_point", "mrap")


@dataclass(frozen=True, slots=True)
class Edit:
    """Words that come into a document.

    Args:
        path: keys from the root, or from the rule or host when one is named.
        value: added to the list there; or set, when it is no list.
        words: how many words it writes; fewer is smaller.
        rule: id of the rule that is edited or made, or None.
        host: name of the listed host that is edited, or None.
        caution: what else it opens, or None.
        beside: another edit that is only valid together with it.
    """

    path: tuple[str, ...]
    value: Plain
    words: int = 1
    rule: str | None = None
    host: str | None = None
    caution: str | None = None
    beside: "Edit | None" = None

    @property
    def new_rule(self) -> bool:
        """Whether it adds a rule."""
        return self.path == ("rules",)

    def apply(self, document: Document) -> None:
        """Edit a document in place."""
        if self.beside is not None:
            self.beside.apply(document)
        place = document if self.new_rule else self._within(document)
        *parents, last = self.path
        for key in parents:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                return
            place = inner
        if self._adds:
            have = place.setdefault(last, [])
            if isinstance(have, list):
                have.append(deepcopy(self.value))
        else:
            place[last] = deepcopy(self.value)

    def say(self, changed: Document) -> str:
        """What to do, as one sentence.

        Args:
            changed: the document with every edit, for the final form of a new rule.
        """
        if self.new_rule:
            made = next(one for one in _mappings(changed, "rules") if one.get("id") == self.rule)
            return f"add to `rules`: `- {_flow(made)}`"
        where = f"`{'.'.join(self.path)}`"
        if self.rule is not None:
            where += f" of rule `{self.rule}`"
        if self.host is not None:
            where += f" of host `{self.host}`"
        if self._adds:
            more = f", and {self.beside.say(changed)}" if self.beside is not None else ""
            return f"add `{_flow(self.value)}` to {where}{more}"
        said = f"write `{self.path[-1]}: {_flow(self.value)}`"
        if self.rule is not None:
            return f"{said} in rule `{self.rule}`"
        return f"{said} in `{'.'.join(self.path[:-1])}`" if len(self.path) > 1 else said

    def line(self, root: Node) -> int:
        """The line of the file where it is made; 0 where what it goes into is not there yet."""
        node = root
        if self.rule is not None:
            node = next(
                (one for one in root.at(("rules",)).items if one.at(("id",)).value == self.rule), root
            )
        elif self.host is not None:
            node = next(
                (one for one in root.at(("hosts",)).items if one.at(("name",)).value == self.host), root
            )
        if self.rule is None and self.host is None and self.path[0] not in node.children:
            return 0
        return node.key_at(self.path)[0]

    @property
    def _adds(self) -> bool:
        return self.path[-1] in _LISTS

    def _within(self, document: Document) -> Document:
        if self.rule is not None:
            return next(one for one in _mappings(document, "rules") if one.get("id") == self.rule)
        if self.host is not None:
            return next(one for one in _mappings(document, "hosts") if one.get("name") == self.host)
        return document


_LISTS: Final = frozenset(
    {
        "accounts",
        "allow",
        "classes",
        "clients",
        "hosts",
        "keys",
        "partitions",
        "presets",
        "regions",
        "rules",
        "vpce",
    }
)
"""Keys that hold a list; the others hold one word or a mapping."""


def concerned(document: Document, reading: Reading) -> Document:
    """The document with those rules only that may speak of a request: ten thousand others do not matter.

    Args:
        document: whole.
        reading: of the request.
    """
    names = [reading.bucket, reading.copy_source.bucket if reading.copy_source else None]
    kept: list[Plain] = [
        rule
        for rule in _mappings(document, "rules")
        if rule.get("fqdn") == reading.host
        or "access_point" in rule
        or "mrap" in rule
        or any(one is not None and names_bucket(rule, one) for one in names)
    ]
    return {**document, "rules": kept}


def names_bucket(rule: Document, name: str) -> bool:
    """Whether a rule speaks of a bucket or access point, also by a host name.

    Args:
        rule: of the document.
        name: bucket, or ARN.
    """
    target = str(next((rule[one] for one in _TARGETS if one in rule), ""))
    return target == name or target.startswith(f"{name}.")


def _mappings(document: Document, key: str) -> Sequence[Document]:
    value = document.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def rules_of(document: Document) -> Sequence[Document]:
    """The rules of a document."""
    return _mappings(document, "rules")


def _flow(value: Plain) -> str:
    """A value on one line, as the file takes it and as it reads.

    A sender chose the key: a character that ends the line, or turns or hides its neighbours, is escaped.
    """
    written = partial(yaml.safe_dump, value, default_flow_style=True, width=10**6, sort_keys=False)
    text: str = written(allow_unicode=True).removesuffix("\n").removesuffix("\n...").strip()
    return text if text.isprintable() else str(written(default_style='"')).strip()
