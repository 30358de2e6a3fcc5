"""Options are checked before anything is rendered; each refusal names the next step."""

from pathlib import Path

import click
import pytest

from s3gate.cli.audit.place import WrongInput
from s3gate.cli.policy.export.choice import (
    account_option,
    addresses_option,
    check_client,
    check_region,
    endpoint_ids_option,
    principals_option,
    read_given_settings,
    read_policy,
)
from s3gate.policy.document import parse_policy

CONTEXT, OPTION = click.Context(click.Command("x")), click.Option(["--x"])
TWO = parse_policy(
    b"version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1, us-east-1], classes: [standard]}\n"
    b"clients: {batch: {cidrs: [10.0.0.0/8]}}\n"
)
ONE = parse_policy(b"version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n")


@pytest.mark.parametrize(
    "value",
    ["vpce-0a1b2c3", "vpce-0A1B2C3D", "vpce-0a1b2c3d4", "vpc-0a1b2c3d", "", "vpce-0a1b2c3d\n", "*", "vpce-*"],
)
def test_an_id_that_is_none(value: str) -> None:
    with pytest.raises(click.BadParameter, match="no id of a VPC endpoint"):
        endpoint_ids_option(CONTEXT, OPTION, [value])


def test_ids_of_both_lengths_each_once() -> None:
    ids = ["vpce-0a1b2c3d", "vpce-0a1b2c3d4e5f67890", "vpce-0a1b2c3d"]
    assert endpoint_ids_option(CONTEXT, OPTION, ids) == ("vpce-0a1b2c3d", "vpce-0a1b2c3d4e5f67890")


@pytest.mark.parametrize(
    "value",
    [
        "0.0.0.0/0",
        "::/0",
        "8.0.0.0/5",
        "2000::/3",
        "10.0.0.0/8",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "198.35.26.1/24",
        "x",
        "fc00::/7",
    ],
)
def test_an_address_that_opens_more_or_never_comes(value: str) -> None:
    with pytest.raises(click.BadParameter):
        addresses_option(CONTEXT, OPTION, [value])


def test_addresses_in_canonical_spelling() -> None:
    found = addresses_option(CONTEXT, OPTION, ["198.35.26.96", "2620:0:860::/48", "198.35.26.96/32"])
    assert found == ("198.35.26.96/32", "2620:0:860::/48")


@pytest.mark.parametrize("value", ["11112222333", "1111222233334", "abc", "111122223333\n", ""])
def test_an_account_that_is_none(value: str) -> None:
    with pytest.raises(click.BadParameter):
        account_option(CONTEXT, OPTION, value)


def test_an_account() -> None:
    assert account_option(CONTEXT, OPTION, "012345670123") == "012345670123"
    assert account_option(CONTEXT, OPTION, None) is None


@pytest.mark.parametrize(
    "value",
    ["*", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/a?b", "arn:aws:iam::*:role/a",
     "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/a/b", "arn:aws:iam::111122223333:role/${x}",
     "arn:aws:iam::111122223333:role/a\n"],
)  # fmt: skip
def test_a_principal_is_exact(value: str) -> None:
    with pytest.raises(click.BadParameter, match="no ARN of an IAM role or user"):
        principals_option(CONTEXT, OPTION, [value])


def test_principals() -> None:
    arns = ["arn:aws:iam::111122223333:role/path/deploy", "arn:aws-cn:iam::111122223333:user/a+b=c,d.e@f_g-h"]
    assert principals_option(CONTEXT, OPTION, arns) == tuple(arns)


def test_regions() -> None:
    assert check_region(ONE, None, one=True) == "eu-west-1"
    assert check_region(TWO, None) is None
    assert check_region(TWO, "us-east-1") == "us-east-1"
    with pytest.raises(WrongInput, match="add --region, one of `eu-west-1`, `us-east-1`"):
        check_region(TWO, None, one=True)
    with pytest.raises(WrongInput, match="does not list region `eu-west-2`"):
        check_region(TWO, "eu-west-2")


def test_clients() -> None:
    assert check_client(TWO, "batch") == "batch"
    assert check_client(TWO, None) is None
    with pytest.raises(WrongInput, match="defines no clients `batsh`"):
        check_client(TWO, "batsh")


def test_policies_that_cannot_be_read(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 2\n")
    with pytest.raises(WrongInput, match=r"has mistakes: run `s3gate check --policy .*wrong\.yaml`"):
        read_policy(wrong, None)
    with pytest.raises(WrongInput, match="cannot be read: No such file"):
        read_policy(tmp_path / "none.yaml", None)
    with pytest.raises(WrongInput, match="name one file"):
        read_policy(wrong, wrong)
    with pytest.raises(WrongInput):
        read_given_settings(tmp_path / "none.yaml")
