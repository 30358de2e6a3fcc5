"""The templates are proven: guard rules, IAM's own answers, cfn-lint and checkov say yes to them, and only to them.

Every seeded defect (mutants/*.yaml) is one change of one template; the test names who must find it, and the templates
as they are pass all of these.
"""

from collections.abc import Iterator
from itertools import chain

import pytest

from drive.evaluator import ALLOWED, Evaluator
from drive.templates import Json
from guard.asking import answer, ask, render_included
from guard.deployment import VARIANTS, Deployment, deploy, read_templates
from guard.mutant import Mutant, read_mutants
from guard.questions import ROWS, Row
from guard.rules import RULES
from guard.template import Unresolved
from guard.tools import Checks, once, run_cfn_lint, run_checkov, suppressions, without_suppressions

TEMPLATES = read_templates()
MUTANTS = list(read_mutants("network", "proxy", "watch"))
BY_NAME = {row.name: row for row in ROWS}
TOOLS = ("cfn-lint", "checkov")


def of(tool: str) -> list[Mutant]:
    return [one for one in MUTANTS if one.caught_by.startswith(f"{tool} ")]


@pytest.fixture(scope="session")
def included(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return once(tmp_path_factory, "included", render_included)


@pytest.fixture(scope="session")
def deployments(included: dict[str, object]) -> dict[str, Deployment]:
    return {variant: deploy(TEMPLATES, included, variant) for variant in VARIANTS}


@pytest.fixture(scope="session")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as running:
        yield running


def with_mutants(tool: str) -> dict[str, Json]:
    """The templates, the same without suppressions, and the mutants that this tool must find."""
    files = {f"original/{name}": one for name, one in TEMPLATES.items()}
    files |= {f"bare/{name}": without_suppressions(one) for name, one in TEMPLATES.items()}
    return files | {f"mutants/{one.id}": one.templates(TEMPLATES)[one.file] for one in of(tool)}


@pytest.fixture(scope="session")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    return once(tmp_path_factory, "cfn-lint", lambda place: run_cfn_lint(place, with_mutants("cfn-lint")))


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    return once(tmp_path_factory, "checkov", lambda place: run_checkov(place, with_mutants("checkov")))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_is_broken(rule: str, variant: str, deployments: dict[str, Deployment]) -> None:
    assert list(RULES[rule](deployments[variant])) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_the_policies_answer_as_wanted(
    row: Row, deployments: dict[str, Deployment], evaluator: Evaluator
) -> None:
    for deployment in deployments.values():
        assert list(answer(row, deployment, evaluator)) == []


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.wanted != ALLOWED], ids=lambda row: row.name.replace(" ", "-")
)
def test_a_denial_comes_from_the_policies_that_are_asked(
    row: Row, deployments: dict[str, Deployment], evaluator: Evaluator
) -> None:
    """With these policies open the answer is yes: the question can fail."""
    assert ask(row, deployments["production"], evaluator, opened=True) == ALLOWED


def test_questions_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(ROWS)


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name: str, linted: Checks) -> None:
    assert linted[f"original/{name}"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_checkov_finds_nothing_but_what_is_suppressed_with_a_reason(name: str, checked: Checks) -> None:
    """Each suppression is needed still: without them exactly these checks fail."""
    reasons = suppressions(TEMPLATES[name])
    assert checked[f"original/{name}"] == []
    assert sorted(map(tuple, checked[f"bare/{name}"])) == sorted(reasons)
    assert all(len(reason.split()) > 4 for reason in reasons.values())


def catchers(mutant: Mutant, included: dict[str, object], evaluator: Evaluator) -> Iterator[str]:
    """Who finds a mutant: the named rule or question, in any variant."""
    templates = mutant.templates(TEMPLATES)
    for variant in VARIANTS:
        try:
            deployment = deploy(templates, included, variant)
        except Unresolved:
            yield "unresolved"
            continue
        if (rule := RULES.get(mutant.caught_by)) is not None:
            found = rule(deployment)
        else:
            found = answer(BY_NAME[mutant.caught_by], deployment, evaluator)
        if list(found):
            yield mutant.caught_by


@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if not one.caught_by.startswith(TOOLS)], ids=lambda one: one.id
)
def test_every_defect_is_found(mutant: Mutant, included: dict[str, object], evaluator: Evaluator) -> None:
    assert mutant.caught_by in set(catchers(mutant, included, evaluator))


@pytest.mark.parametrize("mutant", of("cfn-lint"), ids=lambda one: one.id)
def test_cfn_lint_finds_its_defects(mutant: Mutant, linted: Checks) -> None:
    assert mutant.caught_by.split()[1] in {check for check, _ in linted[f"mutants/{mutant.id}"]}


@pytest.mark.parametrize("mutant", of("checkov"), ids=lambda one: one.id)
def test_checkov_finds_its_defects(mutant: Mutant, checked: Checks) -> None:
    assert mutant.caught_by.split()[1] in {check for check, _ in checked[f"mutants/{mutant.id}"]}


def test_every_rule_finds_a_defect() -> None:
    """A rule that finds nothing would not be missed."""
    assert set(RULES) <= {one.caught_by for one in MUTANTS}


def test_mutants_are_many_and_each_is_one() -> None:
    assert len({one.id for one in MUTANTS}) == len(MUTANTS) >= 40
    assert set(chain(TEMPLATES)) == {one.file for one in MUTANTS}
