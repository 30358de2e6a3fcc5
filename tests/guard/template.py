"""A CloudFormation template as AWS would see it: every function worked out, every reference followed.

`Resolver` takes a template in the long form and its parameters and gives the resources that are made, each with plain
values: conditions decided, `Ref` and `Fn::GetAtt` of a resource as a name or ARN that says which resource it is. What
is not known here (a function, a pseudo parameter, a resource) raises: a guess would make rules pass.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON

from drive.templates import Json

ACCOUNT: Final = "111122223333"
REGION: Final = "ap-northeast-1"
NO_VALUE: Final = object()
PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "s3gate", "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/s3gate/1",
    "AWS::NoValue": NO_VALUE,
}  # fmt: skip
# The property that a resource's `Ref` gives (AWS::X::Y reference, "Return values"); of all others an id.
NAMED_BY: Final = {
    "AWS::Logs::LogGroup": "LogGroupName", "AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName",
    "AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::SSM::Document": "Name", "AWS::SSM::Parameter": "Name",
    "AWS::SNS::Topic": "TopicName",
}  # fmt: skip
ARNS: Final = {
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/net/{name}/1",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/1",
}
REF_IS_ARN: Final = {
    "AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
}  # fmt: skip


class Unresolved(Exception):
    """A stack cannot be made: a parameter without a value, or a reference to what is not there."""


@dataclass(frozen=True, slots=True)
class Made:
    """One resource that a stack makes.

    Args:
        file: the template's file name.
        name: logical id.
        properties: as AWS would get them.
        whole: the resource with its other attributes: DeletionPolicy, UpdatePolicy, Metadata.
    """

    file: str
    name: str
    kind: str
    properties: Json
    whole: Json


def arn_of(made: Made) -> str:
    """The ARN that a reference to this resource becomes."""
    name = str(made.properties.get(NAMED_BY.get(made.kind, ""), made.name))
    return ARNS[made.kind].format(region=REGION, account=ACCOUNT, name=name)


class Resolver:
    """Works out one template's functions for one set of parameters.

    Args:
        included: the documents of `AWS::Include`, by location.
    """

    def __init__(
        self, template: Json, parameters: Mapping[str, object], included: Mapping[str, object]
    ) -> None:
        self._template, self._included = template, included
        declared: Json = template.get("Parameters", {})
        missing = [name for name in declared if name not in parameters and "Default" not in declared[name]]
        if missing:
            raise Unresolved(f"no value for the parameters {missing}")
        self._values = PSEUDO | {
            name: self._typed(one, parameters.get(name, one.get("Default"))) for name, one in declared.items()
        }
        self._functions: dict[str, Callable[[Any], object]] = {
            "Ref": self._ref, "Condition": self.holds, "Fn::GetAtt": self._attribute, "Fn::Sub": self._sub,
            "Fn::If": self._if, "Fn::Join": self._join, "Fn::Select": self._select, "Fn::Split": self._split,
            "Fn::Cidr": self._cidr, "Fn::GetAZs": lambda _: [f"{REGION}{letter}" for letter in "abc"],
            "Fn::Transform": self._transform, "Fn::Base64": self.value, "Fn::FindInMap": self._map,
            "Fn::ToJsonString": lambda one: json.dumps(self.value(one)),
            "Fn::Equals": lambda two: str(self.value(two[0])) == str(self.value(two[1])),
            "Fn::Not": lambda one: not self.value(one[0]),
            "Fn::And": lambda many: all(self.value(one) for one in many),
            "Fn::Or": lambda many: any(self.value(one) for one in many),
        }  # fmt: skip

    @staticmethod
    def _typed(declared: Json, value: object) -> object:
        listed = declared["Type"].startswith("List<") or declared["Type"] == "CommaDelimitedList"
        if listed and isinstance(value, str):
            return [one.strip() for one in value.split(",") if one.strip()]
        return int(str(value)) if declared["Type"] == "Number" else value

    def holds(self, condition: str) -> bool:
        """Whether a named condition of the template is true."""
        return bool(self.value(self._template["Conditions"][condition]))

    def value(self, node: object) -> Any:  # JSON
        """A node with its functions worked out; NO_VALUE where it is none."""
        if isinstance(node, dict):
            if len(node) == 1:
                ((key, inner),) = node.items()
                if key in self._functions:
                    return self._functions[key](inner)
                assert not str(key).startswith("Fn::"), f"the function {key} is not known here"
            worked = {key: self.value(inner) for key, inner in node.items()}
            return {key: inner for key, inner in worked.items() if inner is not NO_VALUE}
        if isinstance(node, list):
            return [one for one in map(self.value, node) if one is not NO_VALUE]
        return node

    def _physical(self, name: str) -> str:
        resource = self._template["Resources"][name]
        own = resource.get("Properties", {}).get(NAMED_BY.get(resource["Type"], ""))
        return str(self.value(own)) if own is not None else name

    def _exists(self, name: str) -> None:
        if name not in self._template["Resources"]:
            raise Unresolved(f"there is no {name}")

    def _ref(self, name: str) -> object:
        if name in self._values:
            return self._values[name]
        self._exists(name)
        kind = self._template["Resources"][name]["Type"]
        return self._attribute([name, "Arn"]) if kind in REF_IS_ARN else self._physical(name)

    def _attribute(self, path: list[str]) -> object:
        name, attribute = path
        self._exists(name)
        kind = self._template["Resources"][name]["Type"]
        if attribute in {"Arn", "TopicArn", "LoadBalancerArn", "TargetGroupArn"} and kind in ARNS:
            return ARNS[kind].format(region=REGION, account=ACCOUNT, name=self._physical(name))
        return name if attribute in {"GroupId", "VpcId"} else f"{name}.{attribute}"

    def _sub(self, node: str | list[Any]) -> str:
        text, own = (node, {}) if isinstance(node, str) else node

        def filled(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self.value(own[name]))
            if "." in name:
                return str(self._attribute(name.split(".", 1)))
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", filled, text)

    def _if(self, node: list[Any]) -> object:
        condition, yes, no = node
        return self.value(yes if self.holds(condition) else no)

    def _join(self, node: list[Any]) -> str:
        return str(node[0]).join(map(str, self.value(node[1])))

    def _select(self, node: list[Any]) -> object:
        return self.value(node[1])[int(self.value(node[0]))]

    def _split(self, node: list[Any]) -> list[str]:
        return str(self.value(node[1])).split(node[0])

    def _cidr(self, node: list[Any]) -> list[str]:
        block, count, bits = map(self.value, node)
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]

    def _map(self, node: list[Any]) -> object:
        name, top, second = map(self.value, node)
        return self._template["Mappings"][name][top][second]

    def _transform(self, node: Json) -> object:
        assert node["Name"] == "AWS::Include", node
        return self._included[self.value(node["Parameters"]["Location"])]

    def resources(self, file: str) -> dict[str, Made]:
        """What the stack makes, by logical id; resources under a false condition are left out."""
        made = {}
        for name, one in self._template["Resources"].items():
            if "Condition" in one and not self.holds(one["Condition"]):
                continue
            whole = self.value({key: inner for key, inner in one.items() if key != "Condition"})
            made[name] = Made(file, name, one["Type"], whole.get("Properties", {}), whole)
        return made

    def outputs(self) -> Json:
        """The stack's outputs, by name."""
        return {
            name: self.value(one["Value"])
            for name, one in self._template.get("Outputs", {}).items()
            if "Condition" not in one or self.holds(one["Condition"])
        }
