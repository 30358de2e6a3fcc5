"""The gate's own ground: its buckets, and every host of the services that hold its policy or CA."""

import pytest

from s3gate.policy.ground import OwnGround
from s3gate.policy.source import Remote, Scheme

SSM = OwnGround.of((Remote(Scheme.SSM, ("/p",)),))
APPCONFIG = OwnGround.of((Remote(Scheme.APPCONFIG, ("a", "b", "c")),))
SECRET = OwnGround.of((Remote(Scheme.SECRETSMANAGER, ("ca",)),))


def test_buckets_are_those_of_places_and_those_that_are_listed() -> None:
    ground = OwnGround.of((Remote(Scheme.S3, ("policies", "p.yaml")),), ("archive",))
    assert ground == OwnGround(frozenset({"policies", "archive"}))


@pytest.mark.parametrize(
    ("ground", "host", "held"),
    [
        (SSM, "ssm.eu-west-1.amazonaws.com", True),
        (SSM, "ssm-fips.us-east-1.amazonaws.com", True),
        (SSM, "ssm.eu-west-1.api.aws", True),
        (SSM, "ssmmessages.eu-west-1.amazonaws.com", False),
        (SSM, "secretsmanager.eu-west-1.amazonaws.com", False),
        (APPCONFIG, "appconfig.eu-west-1.amazonaws.com", True),
        (APPCONFIG, "appconfigdata.eu-west-1.amazonaws.com", True),
        (SECRET, "secretsmanager.eu-west-1.amazonaws.com", True),
        (OwnGround(), "ssm.eu-west-1.amazonaws.com", False),
    ],
)
def test_hosts_of_the_services(ground: OwnGround, host: str, held: bool) -> None:
    assert ground.holds_host(host) is held
