#!/usr/bin/env python3
r"""Writes the policy of the S3 endpoint: the gate's list, and its own buckets.

    deploy/endpoint_policy.py --policy config/policy.yaml \
        --params deploy/params/prod.json \
        --region ap-northeast-1 --account 111122223333

Both halves come from `s3gate policy export vpc-endpoint`, so that they say
what the gate does. The second is made from the names in the parameters: the
release and the gate's policy are read, the archive is written, and Amazon
Linux and the Systems Manager agent get their updates. It goes to
cloudformation/rendered/, where endpoints.yaml looks for it.

Exit codes: 0, 1 it is longer than AWS takes, 2 the input is wrong, 3 s3gate
cannot run.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TARGET: Final = Path("cloudformation") / "rendered" / "s3-endpoint-policy.json"
LIMIT: Final = 20_480
"""Characters of an endpoint's policy (AWS PrivateLink guide, quotas)."""

EXIT_TOO_LONG, EXIT_INPUT, EXIT_ENVIRONMENT = 1, 2, 3
_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
# Rights of operations that the instances do not use: they put once, with a lock and without an ACL.
_UNUSED: Final = {"s3:BypassGovernanceRetention", "s3:PutObjectAcl"}


def own_ground(
    artifacts: str, archive: str, region: str, account: str, partition: str, repository: str | None = None
) -> dict[str, object]:
    """The policy file of what the instances themselves need of S3.

    Args:
        artifacts: bucket of releases and policy.
        archive: bucket of the audit.
        region: of all.
        account: that owns the buckets and the instances.
        partition: of the region.
        repository: bucket of Amazon Linux's packages; None where s3gate knows it.
    """
    own = {"owner": account, "accounts": [account]}
    reads = {
        "id": "artifacts",
        "bucket": artifacts,
        "allow": ["GetObject"],
        "keys": ["releases/*", "policy/*"],
    }
    writes = {
        "id": "archive", "bucket": archive, "allow": ["GetObject", "PutObject", "PutObjectRetention"],
        "keys": ["audit/*"],
    }  # fmt: skip
    asks = {"id": "archive-lock", "bucket": archive, "allow": ["GetObjectLockConfiguration"]}
    packages = {"id": "packages", "bucket": repository, "allow": ["GetObject"]}
    return {
        "version": 1,
        "mode": "enforce",
        "endpoints": {"partitions": [partition], "regions": [region], "classes": ["standard", "dualstack"]},
        "rules": [{**reads, **own}, {**writes, **own}, {**asks, **own}, *([packages] if repository else [])],
        "presets": ["ssm-agent", *([] if repository else ["amazon-linux-2023"])],
    }


def export(policy: Path, region: str, account: str | None) -> list[dict[str, object]]:
    """The statements that s3gate makes of a policy file.

    Args:
        policy: the file.
        region: of the endpoint.
        account: owner of what has none; None to leave that open.

    Raises:
        subprocess.CalledProcessError: s3gate refuses; it has said why.
    """
    words = [sys.executable, "-m", "s3gate", "policy", "export", "vpc-endpoint"]
    words += ["--policy", str(policy), "--region", region, *(["--account", account] if account else [])]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    statements: list[dict[str, object]] = json.loads(told.stdout)["Statement"]
    return statements


def without_unused(statements: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The instances' own statements without rights that they do not use."""
    kept = []
    for one in statements:
        actions = one["Action"]
        assert isinstance(actions, list)  # noqa: S101 - the exporter's form
        if left := [action for action in actions if action not in _UNUSED]:
            kept.append({**one, "Action": left})
    return kept


def main(words: Sequence[str] | None = None) -> int:
    """Read the arguments, write the file; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", type=Path, required=True, help="the gate's policy file")
    parser.add_argument("--params", type=Path, required=True, help="parameters of the stacks")
    parser.add_argument("--region", required=True, help="of the endpoint")
    parser.add_argument("--account", required=True, help="that owns buckets and instances")
    parser.add_argument("--partition", default="aws", help="[default: aws]")
    parser.add_argument("--repository", help="bucket of Amazon Linux's packages, where s3gate knows none")
    parser.add_argument("--output", type=Path, default=HERE / TARGET, help=f"[default: deploy/{TARGET}]")
    given = parser.parse_args(words)
    if _ACCOUNT.fullmatch(given.account) is None:
        parser.error(f"--account `{given.account}` is not twelve digits")
    if importlib.util.find_spec("s3gate") is None:
        sys.stderr.write(
            f"{sys.executable} has no s3gate: run this with the Python of s3gate's environment\n"
        )
        return EXIT_ENVIRONMENT
    try:
        names = json.loads(given.params.read_text(encoding="utf-8"))
        artifacts, archive = names["ArtifactBucketName"], names["ArchiveBucketName"]
    except OSError as exc:
        parser.error(f"--params `{given.params}` cannot be read: {exc.strerror}")
    except (ValueError, TypeError, KeyError) as exc:
        parser.error(f"--params `{given.params}` is no JSON object with the names of both buckets: {exc}")
    place = (given.region, given.account, given.partition)
    ground = own_ground(artifacts, archive, *place, given.repository)
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "own.yaml"
        own.write_text(json.dumps(ground), encoding="utf-8")
        try:
            statements = export(given.policy, given.region, given.account)
            statements += without_unused(export(own, given.region, None))
        except subprocess.CalledProcessError as exc:
            return exc.returncode or EXIT_ENVIRONMENT
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    if len(text) > LIMIT:
        said = f"the policy has {len(text)} characters; an endpoint takes {LIMIT}: shorten the policy file"
        sys.stderr.write(f"{said}\n")
        return EXIT_TOO_LONG
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text + "\n", encoding="utf-8")
    sys.stderr.write(f"wrote {given.output}: {len(statements)} statements, {len(text)} characters\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
