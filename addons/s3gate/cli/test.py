"""`s3gate test`: the cases beside a policy, and how it judges them now.

The normal case prints one line, `26 cases hold`, and exits 0. It judges with the same
`policy/decide.py` as the running gate, and a reload runs the same cases first.
"""

import json
from pathlib import Path
from typing import Final

import click

from s3gate.cli.excerpt import printable
from s3gate.cli.given_policy import EXIT_INPUT, load_given, read_given, tell_mistakes
from s3gate.policy.cases import Cases, CasesErrors, Difference, PolicyCase, cases_name, parse_cases, run_cases
from s3gate.policy.decision import Decision
from s3gate.policy.model import Policy

EXIT_NO: Final = 1

_EPILOG: Final = """\b
Examples:
  s3gate test --policy config/policy.yaml
  s3gate test --policy config/policy.yaml --cases config/policy_cases.yaml --json
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--policy",
    "policy_path",
    type=click.Path(path_type=Path),
    default=Path("config/policy.yaml"),
    show_default=True,
    help="The policy file.",
)
@click.option(
    "--cases",
    "cases_path",
    type=click.Path(path_type=Path),
    help="The cases file.  [default: beside the policy, policy.yaml → policy_cases.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case, and one for all.")
def command(policy_path: Path, cases_path: Path | None, as_json: bool) -> None:
    """Run the cases beside a policy: each request must get the reason that it expects.

    Exit code 0 when all hold, 1 when one comes out otherwise, 2 when the policy or the
    cases file has mistakes or is not there.
    """
    policy, _ = load_given(policy_path, as_json=as_json)
    path = cases_path or policy_path.with_name(cases_name(policy_path.name))
    cases = _load(path, as_json=as_json)
    differences = run_cases(policy, cases)
    if as_json:
        _print_json(path, policy, cases, differences)
    else:
        _print(path, cases, differences)
    raise click.exceptions.Exit(EXIT_NO if differences else 0)


def _load(path: Path, *, as_json: bool) -> Cases:
    if not path.exists():
        raise click.UsageError(
            f"no cases at `{path}`: write some (config/policy_cases.yaml shows how), or name --cases"
        )
    data = read_given(path, "cases file")
    try:
        return parse_cases(data)
    except CasesErrors as exc:
        tell_mistakes(path, data, exc, as_json=as_json)
        raise click.exceptions.Exit(EXIT_INPUT) from exc


def _print(path: Path, cases: Cases, differences: list[Difference]) -> None:
    for one in differences:
        click.echo(f"{path}:{one.case.line}: {one.case.name}")
        for field, wanted in one.case.expect.items():
            found = one.found[field]
            if wanted == found:
                click.echo(f"      {field:<10} {_word(wanted)}")
            else:
                click.echo(f"    - {field:<10} {_word(wanted)}")
                click.echo(f"    + {field:<10} {_word(found)}")
        click.echo(f"      {'because':<10} {printable(one.decision.detail)}\n")
    count = len(cases.cases)
    counted = f"{count} case{'s' * (count != 1)}"
    if differences:
        click.echo(f"{path}: {len(differences)} of {counted} differ: mend the policy, or what they expect")
    else:
        click.echo(f"{path}: {counted} hold{'s' * (count == 1)}")


def _word(value: str | None) -> str:
    return "(none)" if value is None else value


def _print_json(path: Path, policy: Policy, cases: Cases, differences: list[Difference]) -> None:
    otherwise = {one.case.name: one.decision for one in differences}
    for case in cases.cases:
        click.echo(json.dumps(_told(path, case, otherwise.get(case.name))))
    counts = {"cases": len(cases.cases), "differences": len(differences)}
    click.echo(json.dumps({"file": str(path), "ok": not differences, **counts, "policy": policy.digest}))


def _told(path: Path, case: PolicyCase, decision: Decision | None) -> dict[str, object]:
    told: dict[str, object] = {
        "file": str(path),
        "line": case.line,
        "name": case.name,
        "ok": decision is None,
    }
    told["expected"] = dict(case.expect)
    if decision is not None:
        told |= {"found": dict(Difference(case, decision).found), "detail": decision.detail}
    return told
