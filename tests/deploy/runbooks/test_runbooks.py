"""Each command of each runbook: run in a sandbox, or its words compared with what the program knows.

The sandbox is the demo's world: gate, emulator, a bucket on the list. An operator's calls to CloudWatch go to
the emulator, a client's to S3 through the gate. For the restore, the archive is a copy of the gate's journal in
the emulator's S3, which keeps no object lock.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from drive.runbook import Runbook
from drive.spoken_commands import commands, mistakes
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.world import LISTED_BUCKET, OTHER_BUCKET, POLICY, REGION, World

ROOT = Path(__file__).parents[3]
DIRECTORY = ROOT / "deploy" / "runbooks"
RUNBOOKS = [Runbook.read(path) for path in sorted(DIRECTORY.glob("*.md")) if path.name != "README.md"]
ALL = pytest.mark.parametrize("book", RUNBOOKS, ids=lambda book: book.path.stem)
SECONDS = 150.0
ARCHIVE = "example-s3gate-archive"
SQUID = "acl good dstdomain example-uploads.s3.ap-northeast-1.amazonaws.com\nhttp_access allow good\nhttp_access deny all\n"


POLICY_AS_PEOPLE_WRITE_IT = POLICY.replace("mode: enforce", "mode: enforce    # since spring")
CASES = """\
version: 1
now: "2026-07-01T00:00:00Z"
key_id: AKIARTX3GSDSQAAACAQD
cases:
  - name: nothing goes elsewhere
    request: {method: PUT, url: "https://evil-bucket.s3.ap-northeast-1.amazonaws.com/k"}
    expect: {reason: BUCKET_NOT_LISTED}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """With a comment where a person would have one, and with cases beside the policy."""
    with World(tmp_path / "world", POLICY_AS_PEOPLE_WRITE_IT) as running:
        (running.gate.directory / "policy_cases.yaml").write_text(CASES)
        yield running


def values_of(world: World, work: Path) -> dict[str, str]:
    """What an operator of this gate sets for a runbook's names."""
    gate = world.gate
    (work / "squid.conf").write_text(SQUID)
    return {
        "ACCOUNT": "111122223333",
        "ADMIN": "arn:aws:iam::111122223333:role/admin",
        "ARTIFACTS": "example-s3gate-artifacts",
        "ARCHIVE": f"s3://{ARCHIVE}/audit/",
        "BUCKET": LISTED_BUCKET,
        "CA": str(gate.directory / "ca.pem"),
        "GATE_CONFIG": str(gate.directory / "s3gate.yaml"),
        "GATE_POLICY": str(gate.directory / "policy.yaml"),
        "GROUP": "s3gate-proxy-gate",
        "KEY": str(gate.directory / "audit.key"),
        "LOG_GROUP": world.definition.log_group,
        "OLD_CA": str(gate.directory / "ca.pem"),
        "PROXY": gate.url,
        "READY": f"http://127.0.0.1:{gate._health_port}/readyz",
        "REGION": REGION,
        "RESOLVER": f"127.0.0.1:{world.dns.port}",
        "SOURCE_IP": "198.35.26.96/32",
        "SQUID_CONF": str(work / "squid.conf"),
        "VPCE": "vpce-0123456789abcdef0",
        "VPC_ID": "vpc-0123456789abcdef0",
    }


def traffic(world: World) -> None:
    """An upload that is allowed and one that is refused, both in CloudWatch Logs before this returns."""
    (world.aws.directory / "a.txt").write_text("a\n")
    assert world.aws.run("s3", "cp", "a.txt", f"s3://{LISTED_BUCKET}/a.txt").exit_code == 0
    assert world.aws.run("s3", "cp", "a.txt", f"s3://{OTHER_BUCKET}/a.txt").exit_code == 1
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not any(
        '"decision":"deny"' in one.message and OTHER_BUCKET in one.message for one in world.alarms.events()
    ):
        assert time.monotonic() < deadline
        pause.wait(0.2)


def archive(world: World) -> None:
    """The journal where `s3gate audit archive` puts it, once its writer has ended."""
    world.gate.stop()
    s3 = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION).client(
        "s3", endpoint_url=world.emulator.url
    )
    s3.create_bucket(Bucket=ARCHIVE, CreateBucketConfiguration={"LocationConstraint": REGION})
    for path in world.gate.audit_directory.glob("*/*.jsonl"):
        s3.put_object(Bucket=ARCHIVE, Key=f"audit/{path.parent.name}/{path.name}", Body=path.read_bytes())


@pytest.mark.e2e
@ALL
def test_its_commands_run_and_print_what_it_says(book: Runbook, world: World, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    traffic(world)
    own = {}
    if book.path.stem == "restore-audit":
        archive(world)
        own["AWS_ENDPOINT_URL_S3"] = world.emulator.url
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(work),
        "COLUMNS": "200",
        "PYTHONWARNINGS": "ignore",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": world.emulator.url,
        "AWS_PAGER": "",
        **own,
    }
    done = subprocess.run(
        ["bash", "-c", book.script(values_of(world, work))],
        cwd=work, env=environment, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    at = 0
    for line in book.printed:
        found = line.search(done.stdout, at)
        assert found, f"not printed (in this order): {line.pattern}\n\n{done.stdout}"
        at = found.end()


@ALL
def test_its_shell_is_shell(book: Runbook) -> None:
    for block in book.blocks:
        if block.info.startswith("sh"):
            done = subprocess.run(
                ["bash", "-n"], input=block.body, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, ""), block.body


@ALL
def test_its_commands_have_these_words(book: Runbook) -> None:
    """Also those that are not run: services, operations, options and what an operation needs."""
    spoken = [one for block in book.blocks if block.info.startswith("sh") for one in commands(block.body)]
    wrong = {" ".join(one): found for one in spoken if (found := mistakes(one))}
    assert wrong == {}
    needing = [one for block in book.blocks if block.info == "sh needs AWS" for one in commands(block.body)]
    assert {one[0] for one in needing} <= {"aws", "s3gate", "curl"} | {
        one[0] for one in needing if one[0].startswith("deploy/")
    }


@ALL
def test_secrets_are_put_away_under_the_key_of_the_template(book: Runbook) -> None:
    """Under the key that AWS manages, whoever may read the parameter may open it: its policy asks no more."""
    template = (ROOT / "deploy" / "cloudformation" / "security.yaml").read_text(encoding="utf-8")
    assert "alias/${AWS::StackName}-data" in template
    spoken = [one for block in book.blocks if block.info.startswith("sh") for one in commands(block.body)]
    put = [one for one in spoken if "SecureString" in one]
    keys = {one[one.index("--key-id") + 1] if "--key-id" in one else None for one in put}
    assert keys <= {"alias/s3gate-security-data"}  # deploy/stacks.py names the stack so
    assert len(put) == {"first-deployment": 2, "ca-rotation": 1}.get(book.path.stem, 0)


@ALL
def test_it_uses_the_names_that_it_names(book: Runbook) -> None:
    used = "".join(block.body for block in book.blocks[1:])
    assert [name for name in book.names if f"${name}" not in used and f'["{name}"]' not in used] == []


def test_each_runbook_is_listed_and_each_link_leads_somewhere() -> None:
    listed = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert [book.path.name for book in RUNBOOKS if f"({book.path.name})" not in listed] == []
    for path in DIRECTORY.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        links = [part.partition(")")[0] for part in text.split("](")[1:]]
        assert [link for link in links if not (DIRECTORY / link).exists()] == [], path.name


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("aws ec2 describe-vpc-endpoints --filter x", ["--filter"]),
        ("aws ec2 describe-vpc-endpoint", ["no operation"]),
        ("aws s3api put-bucket-policy --bucket b", ["lacks --policy"]),
        ("aws ssm put-parameter --name n --value v --overwrite", []),
        ("x=$(aws ssm nothing)", ["no operation"]),
        ("true && s3gate ca renews a b", ["no command"]),
        ("s3gate ca renew a b --force", ["--force"]),
        ("s3gate audit tail -n 5 --denied | cat", []),
        ("deploy/stacks.py --parameters x", ["--parameters"]),
        ("deploy/none.py", ["no file"]),
        ("aws s3 cp --recursively a b", ["--recursively"]),
        ("cat <<'END' > x\naws nothing here\nEND\naws sts nothing", ["no operation"]),
    ],
)
def test_a_wrong_word_is_found(command: str, told: list[str]) -> None:
    found = [mistake for one in commands(command) for mistake in mistakes(one)]
    assert len(found) == len(told), found
    assert all(mistake.startswith(word) for mistake, word in zip(found, told, strict=True)), found
