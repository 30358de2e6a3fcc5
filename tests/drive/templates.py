"""A CloudFormation template as plain values: read with its tags, and resolved for one set of parameters.

`read_template` gives the long form (`{"Ref": …}`), `resolve` what would be made: resources whose
condition holds, with references to parameters filled in. What only AWS knows stays as text, `LogicalId.Attribute`.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final  # Any: JSON

import yaml

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "deploy" / "cloudformation"
PSEUDO: Final = {
    "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333", "AWS::Partition": "aws",
    "AWS::StackName": "stack", "AWS::URLSuffix": "amazonaws.com",
}  # fmt: skip
NOTHING: Final = object()
ZONES: Final = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
_VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
    """YAML with the short forms of CloudFormation's functions."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tagged)


def read_template(name: str, directory: Path = DIRECTORY) -> Json:
    """A template in its long form.

    Args:
        name: of the file without `.yaml`.
        directory: where it is.
    """
    text = (directory / f"{name}.yaml").read_text(encoding="utf-8")
    found: Json = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    return found


def resolve(template: Json, values: Mapping[str, str]) -> dict[str, Json]:
    """The resources that would be made, by logical id.

    Args:
        template: as read.
        values: of parameters; the others have their default, or their own name.
    """
    resolver = _Resolver(template, values)
    kept = {
        name: one
        for name, one in template["Resources"].items()
        if "Condition" not in one or resolver.holds(one["Condition"])
    }
    return {name: resolver.of(one) for name, one in kept.items()}


class _Resolver:
    def __init__(self, template: Json, values: Mapping[str, str]) -> None:
        self._conditions: Json = template.get("Conditions", {})
        self._values: Json = dict(PSEUDO)
        for name, one in template.get("Parameters", {}).items():
            value = str(values.get(name, one.get("Default", name)))
            lists = one["Type"].startswith("List<") or one["Type"] == "CommaDelimitedList"
            self._values[name] = value.split(",") if lists else value

    def holds(self, name: str) -> bool:
        return bool(self.of(self._conditions[name]))

    def of(self, node: Any) -> Any:
        if isinstance(node, list):
            return [one for one in map(self.of, node) if one is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
        found = {key: self.of(value) for key, value in node.items()}
        return {key: value for key, value in found.items() if value is not NOTHING}

    def ref(self, name: str) -> Any:
        return NOTHING if name == "AWS::NoValue" else self._values.get(name, name)

    def condition(self, name: Any) -> Any:
        return (
            self.holds(name)
            if isinstance(name, str) and name in self._conditions
            else {"Condition": self.of(name)}
        )

    def choice(self, argument: list[Any]) -> Any:
        return self.of(argument[1] if self.holds(argument[0]) else argument[2])

    def sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        known = self._values | self.of(own)
        return _VARIABLE.sub(lambda found: str(known.get(found[1], found[1])), text)

    def cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = self.of(argument)
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]

    def equal(self, argument: list[Any]) -> bool:
        left, right = self.of(argument)
        return str(left) == str(right)


_FUNCTIONS: Final[dict[str, Any]] = {
    "Ref": _Resolver.ref,
    "Condition": _Resolver.condition,
    "Fn::If": _Resolver.choice,
    "Fn::Sub": _Resolver.sub,
    "Fn::Cidr": _Resolver.cidr,
    "Fn::Equals": _Resolver.equal,
    "Fn::Not": lambda self, argument: not self.of(argument)[0],
    "Fn::And": lambda self, argument: all(self.of(argument)),
    "Fn::Or": lambda self, argument: any(self.of(argument)),
    "Fn::GetAZs": lambda _self, _argument: ZONES,
    "Fn::GetAtt": lambda _self, argument: ".".join(argument),
    "Fn::Join": lambda self, argument: argument[0].join(self.of(argument[1])),
    "Fn::Select": lambda self, argument: self.of(argument[1])[int(argument[0])],
    "Fn::Base64": lambda self, argument: self.of(argument),
}
