"""The cases beside a policy: request by request, the reason that it must give.

The normal case: `parse_cases(bytes)` reads `policy_cases.yaml`, `run_cases(policy, cases)`
finds no difference. Both are pure, the clock stands in the file: the same two files give
the same answer at every desk and before every reload.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from s3gate.policy.as_signed import sign_as
from s3gate.policy.cases_file import CaseEntry, CasesFile, ExpectEntry
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision
from s3gate.policy.described_request import build_request
from s3gate.policy.located import Node
from s3gate.policy.mistake import DocumentErrors, Mistake, quote
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.policy.shape import check_shape
from s3gate.policy.yaml_source import parse_yaml

_COMPARED: Final = ("reason", "rule", "would_deny")


class CasesErrors(DocumentErrors):
    """A cases file cannot be used."""


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One request and what the policy must say.

    Args:
        name: what the case shows; unique in the file.
        line: its line in the file, from 1.
        request: signed, where the case is.
        expect: `reason`, and `rule` and `would_deny` where they are compared.
    """

    name: str
    line: int
    request: Request
    expect: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Cases:
    """A cases file, in file order."""

    cases: tuple[PolicyCase, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A case that came out otherwise.

    Args:
        case: what was expected.
        decision: what the policy says.
    """

    case: PolicyCase
    decision: Decision

    @property
    def found(self) -> Mapping[str, str | None]:
        """What the policy says, in the fields that the case compares."""
        return {field: _said(self.decision, field) for field in self.case.expect}

    def __str__(self) -> str:
        """One line: the case, what it expects, what came."""
        wanted, found = _words(self.case.expect), _words(self.found)
        return f"line {self.case.line}: {quote(self.case.name)} expects {wanted}, the policy says {found}"


def cases_name(policy_name: str) -> str:
    """Where the cases of a policy stand: `policy.yaml` → `policy_cases.yaml`, beside it.

    Args:
        policy_name: a path, or the key of an S3 object.
    """
    directory, slash, name = policy_name.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    return directory + slash + (f"{stem}_cases{dot}{suffix}" if stem else f"{name}_cases")


def parse_cases(data: bytes) -> Cases:
    """The cases that a file holds.

    Args:
        data: the bytes of the file.

    Raises:
        CasesErrors: with every mistake, in file order.
    """
    root, mistakes = parse_yaml(data)
    if root is None:
        raise CasesErrors(mistakes)
    if not isinstance(root.value, dict):
        raise CasesErrors(
            (*mistakes, Mistake(root.line, root.column, "not a mapping", "begin with `version: 1`"))
        )
    document, found = check_shape(CasesFile, root, ())
    found.extend(_repeated_names(root.at(("cases",)).items))
    if document is not None:
        found.extend(_signed_twice(document, root))
    if document is None or mistakes or found:
        raise CasesErrors((*mistakes, *found))
    nodes = root.at(("cases",)).items
    clock = _clock(document.now)
    return Cases(
        tuple(
            PolicyCase(entry.name, node.line, _request(document, entry, clock), _compared(entry.expect))
            for entry, node in zip(document.cases, nodes, strict=True)
        )
    )


def run_cases(policy: Policy, cases: Cases) -> list[Difference]:
    """The cases that come out otherwise, in file order; none is what one wants.

    Args:
        policy: what judges, by the same steps as the running gate.
        cases: what must come out.
    """
    decided = (Difference(case, decide_request(policy, case.request)) for case in cases.cases)
    return [one for one in decided if one.found != one.case.expect]


def find_case_mistakes(policy: Policy, data: bytes) -> tuple[Mistake, ...]:
    """What is wrong with a cases file, or with the policy by its cases; none is what one wants.

    Args:
        policy: what judges.
        data: the bytes of the cases file.
    """
    try:
        differences = run_cases(policy, parse_cases(data))
    except CasesErrors as exc:
        return exc.mistakes
    return tuple(
        Mistake(
            one.case.line, 1, str(one).partition(": ")[2], "see `s3gate test`: change the rule or the case"
        )
        for one in differences
    )


def _clock(text: str) -> datetime:
    clock = datetime.fromisoformat(text)
    return clock if clock.tzinfo is not None else clock.replace(tzinfo=UTC)


def _request(document: CasesFile, entry: CaseEntry, clock: datetime) -> Request:
    request = build_request(entry.request.fields(), clock)
    key_id = _key_id(document, entry)
    return request if key_id is None else sign_as(request, key_id)


def _key_id(document: CasesFile, entry: CaseEntry) -> str | None:
    return entry.key_id if "key_id" in entry.model_fields_set else document.key_id


def _compared(expect: ExpectEntry) -> Mapping[str, str | None]:
    return {name: getattr(expect, name) for name in _COMPARED if name in expect.model_fields_set}


def _said(decision: Decision, field: str) -> str | None:
    value = getattr(decision, field)
    return None if value is None else str(value)


def _words(said: Mapping[str, str | None]) -> str:
    reason, *others = (_word(name, value) for name, value in said.items())
    return reason + (f" ({', '.join(others)})" if others else "")


def _word(name: str, value: str | None) -> str:
    if name == "reason":
        return str(value)
    return f"no {name}" if value is None else f"{name} {value}"


def _repeated_names(nodes: Sequence[Node]) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for node in nodes:
        name = node.children.get("name")
        if name is None or not isinstance(name.value, str):
            continue
        if name.value in first:
            said = f"case {quote(name.value)} again, first on line {first[name.value]}"
            yield Mistake(name.line, name.column, said, "choose another name")
        first.setdefault(name.value, name.line)


def _signed_twice(document: CasesFile, root: Node) -> Iterator[Mistake]:
    """Requests that bring a signature, and would get another."""
    for entry, node in zip(document.cases, root.at(("cases",)).items, strict=True):
        if _key_id(document, entry) is not None and entry.request.is_signed:
            where = node.at(("request",))
            said = "the request brings a signature, and `key_id` signs it again"
            yield Mistake(where.line, where.column, said, "write `key_id: null` in this case")
