"""A policy where AWS keeps it, in MiniStack: put it there, put another."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from s3gate.demo.emulator import Emulator
from s3gate.policy.source import Remote, Scheme

REGION = "ap-northeast-1"
BUCKET = "policies-of-the-gate"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

type Put = Callable[[bytes], object]


class Aws:
    """Clients of an emulator, past every proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": url, "AWS_CONFIG_FILE": os.devnull}
        self._session = boto3.session.Session("test", "test", region_name=REGION)

    def client(self, name: str) -> Any:
        config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 2})
        return self._session.client(name, endpoint_url=self.url, config=config)

    def s3(self, key: str = "gate/policy.yaml") -> tuple[Remote, Put]:
        client = self.client("s3")
        where = {"LocationConstraint": REGION}
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        return Remote(Scheme.S3, (BUCKET, key)), lambda data: client.put_object(
            Bucket=BUCKET, Key=key, Body=data
        )

    def ssm(self, name: str = "/s3gate/policy") -> tuple[Remote, Put]:
        client = self.client("ssm")
        return Remote(Scheme.SSM, (name,)), lambda data: client.put_parameter(
            Name=name, Value=data.decode(), Type="SecureString", Overwrite=True
        )

    def secret(self, name: str = "s3gate/ca") -> tuple[Remote, Put]:
        client, made = self.client("secretsmanager"), list[str]()

        def put(data: bytes) -> None:
            if made:
                client.put_secret_value(SecretId=name, SecretString=data.decode())
            else:
                made.append(client.create_secret(Name=name, SecretString=data.decode())["ARN"])

        return Remote(Scheme.SECRETSMANAGER, (name,)), put

    def appconfig(self) -> tuple[Remote, Put]:
        client = self.client("appconfig")
        application = client.create_application(Name="s3gate")["Id"]
        environment = client.create_environment(ApplicationId=application, Name="prod")["Id"]
        profile = client.create_configuration_profile(
            ApplicationId=application, Name="policy", LocationUri="hosted", Type="AWS.Freeform"
        )["Id"]
        strategy = client.create_deployment_strategy(
            Name="now",
            DeploymentDurationInMinutes=0,
            GrowthFactor=100,
            FinalBakeTimeInMinutes=0,
            ReplicateTo="NONE",
        )["Id"]

        def put(data: bytes) -> None:
            version = client.create_hosted_configuration_version(
                ApplicationId=application,
                ConfigurationProfileId=profile,
                Content=data,
                ContentType="application/x-yaml",
            )["VersionNumber"]
            client.start_deployment(
                ApplicationId=application,
                EnvironmentId=environment,
                ConfigurationProfileId=profile,
                ConfigurationVersion=str(version),
                DeploymentStrategyId=strategy,
            )

        return Remote(Scheme.APPCONFIG, (application, environment, profile)), put


@contextmanager
def run_aws(directory: Path) -> Iterator[Aws]:
    """An emulator of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    with Emulator(directory) as emulator:
        yield Aws(emulator.url)
