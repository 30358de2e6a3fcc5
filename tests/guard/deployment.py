"""All stacks together, as one account would have them: each template resolved with what the stacks before it give.

A parameter takes the value of an output of the same name of an earlier stack, so a stack whose contract with another
broke has no value and fails here. What no stack gives (names of buckets, ranges of the premises) is in
deploy/params, as for deploy/stacks.py.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drive.templates import DIRECTORY, Json, read_template
from guard.template import Made, Resolver

ROOT: Final = Path(__file__).resolve().parents[2]
PARAMETERS: Final = ROOT / "deploy" / "params"
# Everything that is optional, at once: what a condition hides is judged too.
ALL_OPTIONS: Final[Mapping[str, object]] = {
    "CustomerGatewayAddress": "198.51.100.7", "OnPremisesCidr2": "192.168.0.0/16", "OnPremisesCidr3": "10.99.0.0/16",
    "ResolverEndpoint": "yes", "ConsolePages": "yes", "S3InterfaceEndpoint": "yes", "SecretsManagerEndpoint": "yes",
}  # fmt: skip
# Production as it is committed, with every option, and with nothing but what has no default.
VARIANTS: Final = ("production", "every-option", "defaults")


def order() -> tuple[str, ...]:
    """The stacks in the order in which deploy/stacks.py makes them."""
    tree = ast.parse((ROOT / "deploy" / "stacks.py").read_text(encoding="utf-8"))
    (found,) = (
        one.value
        for one in tree.body
        if isinstance(one, ast.AnnAssign) and ast.unparse(one.target) == "ORDER"
    )
    assert found is not None
    return tuple(ast.literal_eval(found))


def read_templates() -> dict[str, Json]:
    """The committed templates by file name, in the order in which they are deployed."""
    assert {path.stem for path in DIRECTORY.glob("*.yaml")} == set(order())
    return {f"{name}.yaml": read_template(name) for name in order()}


def chosen(variant: str, templates: Mapping[str, Json]) -> dict[str, object]:
    """The parameters that a person gives, for one of VARIANTS."""
    production: dict[str, object] = json.loads((PARAMETERS / "prod.json").read_text(encoding="utf-8"))
    if variant != "defaults":
        return {**production, **ALL_OPTIONS} if variant == "every-option" else production
    declared = {name: one for template in templates.values() for name, one in template["Parameters"].items()}
    return {name: value for name, value in production.items() if "Default" not in declared[name]}


@dataclass(frozen=True, slots=True)
class Deployment:
    """What all stacks make.

    Args:
        made: the resources, by file and logical id.
        outputs: of all stacks.
        given: the parameters that no stack gives.
    """

    made: Mapping[str, Mapping[str, Made]]
    outputs: Json
    given: Mapping[str, object]

    def of(self, *kinds: str) -> Iterator[Made]:
        """The resources of these types, such as `AWS::EC2::Subnet`."""
        return (one for stack in self.made.values() for one in stack.values() if one.kind in kinds)

    def all(self) -> Iterator[Made]:
        """Every resource."""
        return (one for stack in self.made.values() for one in stack.values())

    def named(self, name: str) -> Made:
        """The one resource with this logical id.

        Raises:
            AssertionError: there is none, or there are several.
        """
        found = [one for one in self.all() if one.name == name]
        assert len(found) == 1, f"{name}: {len(found)} resources"
        return found[0]


def deploy(templates: Mapping[str, Json], included: Mapping[str, object], variant: str) -> Deployment:
    """Resolve every template with the outputs of those before it.

    Args:
        templates: by file name, in order.
        included: the documents of `AWS::Include`, by location.
        variant: a name of VARIANTS.
    """
    given = chosen(variant, templates)
    outputs: Json = {}
    made = {}
    for file, template in templates.items():
        resolver = Resolver(template, {**_text_of_lists(outputs), **given}, included)
        made[file] = resolver.resources(file)
        outputs |= resolver.outputs()
    return Deployment(made, outputs, given)


def _text_of_lists(outputs: Json) -> Json:
    """Outputs are text: a list becomes its items with commas."""
    return {name: ",".join(one) if isinstance(one, list) else one for name, one in outputs.items()}


def statements(policy: Json) -> list[Json]:
    """The statements of a policy document, each field that may be one or many as a list."""
    found = policy["Statement"]
    return [
        {key: [one] if key in {"Action", "NotAction", "Resource"} and isinstance(one, str) else one
         for key, one in statement.items()}
        for statement in (found if isinstance(found, list) else [found])
    ]  # fmt: skip


def policies(deployment: Deployment) -> Iterator[tuple[Made, Json]]:
    """Every policy document that is anywhere in a resource, with its resource."""

    def inside(node: object) -> Iterator[Json]:
        if isinstance(node, dict):
            if "Statement" in node:
                yield node
                return
            for one in node.values():
                yield from inside(one)
        elif isinstance(node, list):
            for one in node:
                yield from inside(one)

    for made in deployment.all():
        for found in inside(made.properties):
            yield made, found
