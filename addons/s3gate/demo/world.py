"""The whole small world: emulated AWS, names, certificates, the gate, a client that uses it.

`with World(directory) as world:` starts everything on loopback and free ports, makes two
buckets, of which the policy lists one, and deploys filters, alarms and their subscriber.
Leaving ends every process by its id. A test may bring a policy of its own.
"""

import contextlib
from pathlib import Path
from typing import Final, Self

import boto3
from botocore.config import Config

from s3gate.alarms.definition import load_definition
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, AlarmChain
from s3gate.demo.certificates import Authority
from s3gate.demo.client import AwsCli
from s3gate.demo.dns_server import DnsServer, usable_pool
from s3gate.demo.emulator import Emulator
from s3gate.demo.gate import Gate, Surroundings
from s3gate.demo.loop_thread import LoopThread
from s3gate.demo.origin import Origin
from s3gate.demo.ports import free_ports

REGION: Final = "ap-northeast-1"
LISTED_BUCKET: Final = "example-uploads"
OTHER_BUCKET: Final = "someone-elses-bucket"
SUFFIX: Final = "amazonaws.com"

POLICY: Final = f"""\
version: 1
mode: enforce
endpoints:
  partitions: [aws]
  regions: [{REGION}]
  classes: [standard]
  path_style: allow
rules:
  - id: uploads
    bucket: {LISTED_BUCKET}
    allow: [read, write, list]
"""
"""The policy of the demo: one bucket."""

PATH_STYLE_CONFIG: Final = "path-style.ini"
"""A configuration file for awscli that puts the bucket in the path."""


def host_of(bucket: str) -> str:
    """The virtual-hosted-style name of a bucket in the demo's region."""
    return f"{bucket}.s3.{REGION}.{SUFFIX}"


class World:
    """Everything that the demo shows.

    Args:
        directory: an empty one, for all files.
        policy: text of the gate's policy file.
    """

    def __init__(self, directory: Path, policy: str = POLICY) -> None:
        self.directory = directory
        self._policy = policy
        self._stack = contextlib.ExitStack()
        self.definition = load_definition()

    def __enter__(self) -> Self:
        """Start everything."""
        with self._stack as stack:
            self._start_aws(stack)
            self._start_gate(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, the gate first."""
        self._stack.close()

    @property
    def client_variables(self) -> dict[str, str]:
        """What a person exports to use the gate."""
        return {
            "HTTPS_PROXY": self.gate.url,
            "AWS_CA_BUNDLE": str(self.gate.directory / "ca.pem"),
            "NO_PROXY": "169.254.169.254,fd00:ec2::254,[fd00:ec2::254]",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }

    def keys_in(self, bucket: str) -> list[str]:
        """The keys that a bucket holds, asked of the emulator directly, past the gate."""
        listing = self._s3.list_objects_v2(Bucket=bucket)
        return [item["Key"] for item in listing.get("Contents", [])]

    def _start_aws(self, stack: contextlib.ExitStack) -> None:
        """The emulator, its TLS front and the names that lead there."""
        emulator_files = self.directory / "emulator"
        emulator_files.mkdir(parents=True)
        self.emulator = stack.enter_context(Emulator(emulator_files))
        authority = Authority.make("s3gate demo: stands for the public CAs")
        self.origin_ca = self.directory / "public-cas.pem"
        self.origin_ca.write_bytes(authority.pair.certificate)
        loop = stack.enter_context(LoopThread())
        pool = usable_pool()
        self.dns = DnsServer([SUFFIX], pool)
        loop.run(self.dns.start())
        stack.callback(lambda: loop.run(self.dns.close()))
        self.origin = Origin(authority, [SUFFIX], self.emulator.port, pool)
        loop.run(self.origin.start())
        stack.callback(lambda: loop.run(self.origin.close()))
        session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
        config = Config(proxies={}, s3={"addressing_style": "path"})
        self._s3 = session.client("s3", endpoint_url=self.emulator.url, config=config)
        for bucket in (LISTED_BUCKET, OTHER_BUCKET):
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.alarms = AlarmChain(self.emulator.url, REGION, self.definition)
        self.alarms.deploy()

    def _start_gate(self, stack: contextlib.ExitStack) -> None:
        """The gate, and the directory of a person who uses it."""
        proxy, health, admin = free_ports(3)
        around = Surroundings(
            region=REGION,
            log_group=self.definition.log_group,
            logs_url=f"https://{self.dns.pool[0]}:{self.origin.port}",
            dns_port=self.dns.port,
            origin_port=self.origin.port,
            origin_ca=self.origin_ca,
            credentials={"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY},
        )
        authority = Authority.make("s3gate demo: the gate's own CA", name_constraint=SUFFIX)
        self.gate = stack.enter_context(
            Gate(self.directory / "gate", (proxy, health, admin), self._policy, authority.pair, around)
        )
        person = self.directory / "person"
        person.mkdir()
        (person / PATH_STYLE_CONFIG).write_text("[default]\ns3 =\n  addressing_style = path\n")
        self.aws = AwsCli(person, self.client_variables)
