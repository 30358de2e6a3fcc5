"""The service labels cover every host that the installed botocore's rules can make."""

import re

import pytest

from generate.partition_data import host_templates
from s3gate.s3.endpoint import Endpoint, OtherService, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.partitions import PARTITIONS
from s3gate.s3.service import CUSTOMER_SUFFIXES, DUAL_STACK_SERVICES, SERVICES

TEMPLATES = host_templates()
VALUES = {
    "Bucket": "bucket",
    "accessPointName": "ap",
    "bucketArn#accountId": "123456789012",
    "AccountId": "123456789012",
    "outpostId": "op-01234567890123456",
    "s3expressAvailabilityZoneId": "use1-az4",
}


def instantiate(template: str, partition: str) -> str:
    """The template with a value for each of its holes."""
    row = PARTITIONS[partition]

    def fill(hole: re.Match[str]) -> str:
        name = hole[1]
        if name.lower().endswith("dualstackdnssuffix"):
            return row.dual_stack_dns_suffix
        if name.endswith("dnsSuffix"):
            return row.dns_suffix
        return (
            row.global_region
            if name in {"Region", "bucketArn#region", "accessPointArn#region"}
            else VALUES[name]
        )

    template = template.replace("op-{outpostId}", "{outpostId}")
    if "s3-outposts" in template:
        template = template.replace("{Bucket}", "ap-hash--op-s3")
    if "s3express-" in template:
        template = template.replace("{Bucket}", "bucket--use1-az4--x-s3")
    template = template.replace("{accessPointName}.accesspoint.s3-global", "alias.mrap.accesspoint.s3-global")
    return re.sub(r"\{([^}]+)\}", fill, template)


def test_botocore_has_rules() -> None:
    assert len(TEMPLATES) > 60


@pytest.mark.parametrize(("service", "template"), TEMPLATES, ids=[f"{s} {t}" for s, t in TEMPLATES])
def test_every_rule_of_botocore_is_read(service: str, template: str) -> None:
    for partition in PARTITIONS.values():
        if "us-east-1" in template and partition.id != "aws":
            continue  # the rule writes the region out: it is for aws alone
        if "fips" in template and "fips" not in partition.features:
            continue
        if "accelerate" in template and "accelerate" not in partition.features:
            continue
        host = parse_authority(instantiate(template, partition.id))
        found = classify_host(host.name)
        assert host.canonical
        assert isinstance(
            found, OtherService if service in {"s3tables", "s3vectors", "s3files"} else Endpoint
        ), host
        shared = "{Region}" not in template and "#region" not in template
        assert found.partition == ("aws" if shared and partition.id == "aws-us-gov" else partition.id)


def test_service_labels_are_single_labels_of_s3() -> None:
    for label in [*SERVICES, *DUAL_STACK_SERVICES]:
        assert label.startswith("s3")
        assert "." not in label


def test_customer_suffixes_lie_in_known_partitions() -> None:
    assert set(CUSTOMER_SUFFIXES.values()) <= set(PARTITIONS)
