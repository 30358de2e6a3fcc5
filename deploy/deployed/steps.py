"""The steps, each tried for real: with awscli as a client, with s3gate's own commands as an operator.

The normal case: a client's variables for what a client asks, none of them for the rest, since an
operator's calls to AWS do not go through the gate.
"""

import argparse
import base64
import hashlib
import http.client
import os
import secrets
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from deployed.result import (
    EXIT_ENVIRONMENT,
    EXIT_NO,
    FINE,
    LEFT_OUT,
    UNKNOWN,
    WRONG,
    Done,
    Result,
    judge_refusal,
    judge_trail,
)

COMMAND_S: Final = 120.0  # for one command that waits for nothing
ANSWER_S: Final = 10.0  # of the gate: a refusal takes milliseconds
TRAIL_LOOK_S: Final = 30.0
BODY_BYTES: Final = 1024
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
METADATA: Final = "169.254.169.254,fd00:ec2::254,[fd00:ec2::254]"  # the instance's own credentials stay local


class Smoke:
    """The steps, each tried whatever became of the others.

    Args:
        given: the arguments.
        directory: for what is put and got.
    """

    def __init__(self, given: argparse.Namespace, directory: Path) -> None:
        self._given, self._directory = given, directory
        self._started = time.time()
        bare = {name: value for name, value in os.environ.items() if name.upper() not in PROXIES}
        self._operator = bare | {"AWS_PAGER": ""}
        self._client = self._operator | {
            "HTTPS_PROXY": given.proxy,
            "NO_PROXY": os.environ.get("NO_PROXY", METADATA),
            "AWS_CA_BUNDLE": str(given.ca_bundle),
            "AWS_DEFAULT_REGION": given.region,
        }

    def steps(self) -> Iterator[tuple[str, Callable[[], Result]]]:
        """Name and step, in their order."""
        yield "doctor", self.doctor
        yield "allowed put and get", self.put_and_get
        yield "alarm", self.alarm
        yield "refused bucket", self.refused_bucket
        yield "refused fronting", self.refused_fronting
        yield "journal", self.journal
        yield "trace-path", self.trace_path

    def _run(self, environment: Mapping[str, str], *command: object, seconds: float = COMMAND_S) -> Done:
        done = subprocess.run(
            [str(one) for one in command],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip
        return Done(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def _s3gate(self, *words: object, seconds: float = COMMAND_S) -> Done:
        return self._run(self._operator, "s3gate", *words, seconds=seconds)

    def _aws(self, *words: object) -> Done:
        return self._run(self._client, "aws", "s3api", *words)

    def doctor(self) -> Result:
        """What a client must have."""
        done = self._run(self._client, "s3gate", "doctor", "--json", "--region", self._given.region)
        found = [one for one in done.lines() if one["outcome"] != LEFT_OUT]
        for one in found:
            if one["outcome"] != FINE:
                told = str(one["then"]) if one["then"] else None
                return Result(str(one["outcome"]), f"{one['name']}: {one['detail']}", told)
        if done.code or not found:
            return Result(UNKNOWN, done.last)
        return Result(FINE, f"{len(found)} checks of a client")

    def put_and_get(self) -> Result:
        """An allowed upload and download, byte for byte; and a request that CloudTrail tells of."""
        given, sent, got = self._given, self._directory / "sent", self._directory / "got"
        sent.write_bytes(secrets.token_bytes(BODY_BYTES))
        place = ("--bucket", given.bucket, "--key", given.key)
        for words in (("put-object", *place, "--body", sent), ("get-object", *place, got)):
            done = self._aws(*words)
            if done.code:
                return Result(
                    WRONG, f"{words[0]}: {done.last}", "s3gate explain --paste - tells why, if it is ours"
                )
        same = hashlib.sha256(sent.read_bytes()).digest() == hashlib.sha256(got.read_bytes()).digest()
        if not same:
            return Result(WRONG, "what was got is not what was put", "look who else writes this key")
        if given.expect_vpce and not given.trail:
            self._aws(
                "get-bucket-location", "--bucket", given.bucket
            )  # a management event, which --lookup finds
        return Result(FINE, f"{given.bucket}/{given.key}, {BODY_BYTES} bytes, the same")

    def alarm(self) -> Result:
        """A refusal, followed from the gate to its alarm."""
        given = self._given
        words: list[object] = ["audit", "selftest", "--deny-canary", "--json", "--config", given.config]
        words += ["--proxy", given.proxy, "--ca-bundle", given.ca_bundle, "--timeout", given.timeout]
        words += ["--endpoint-url", given.endpoint_url] if given.endpoint_url else []
        done = self._s3gate(*words, seconds=given.timeout + COMMAND_S)
        if done.code not in (0, EXIT_NO) or not done.lines():
            return Result(UNKNOWN, done.last)
        (told,) = done.lines()
        steps = told["steps"]
        assert isinstance(steps, list)  # noqa: S101 - the command's own format
        for one in steps:
            if not one["held"]:
                return Result(WRONG, f"{one['name']}: {one['detail']}", one["next"])
        return Result(FINE, f"{steps[-1]['name'].removeprefix('alarm ')} went on; {len(steps)} links hold")

    def refused_bucket(self) -> Result:
        """A put to a bucket that nobody listed; its name is random, so that nobody has it."""
        body = self._directory / "refused"
        body.write_bytes(b"")
        bucket = f"s3gate-smoke-{secrets.token_hex(8)}"
        done = self._aws("put-object", "--bucket", bucket, "--key", "k", "--body", body)
        return judge_refusal(done, "BUCKET_NOT_LISTED")

    def refused_fronting(self) -> Result:
        """CONNECT and SNI name the listed bucket, the request inside names another."""
        tunnel = f"{self._given.bucket}.s3.{self._given.region}.{_suffix(self._given.region)}"
        hidden = f"s3gate-smoke-{secrets.token_hex(8)}.s3.{self._given.region}.{_suffix(self._given.region)}"
        proxy = urlsplit(self._given.proxy)
        trust = ssl.create_default_context(cafile=str(self._given.ca_bundle))
        connection = http.client.HTTPSConnection(
            str(proxy.hostname), proxy.port or 80, timeout=ANSWER_S, context=trust
        )
        pair = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
        who = {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"} if proxy.username else {}
        connection.set_tunnel(tunnel, 443, who)
        try:
            connection.request("GET", "/k", headers={"Host": hidden})
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        reason = answer.headers.get("x-s3gate-reason")
        if (answer.status, reason) != (http.client.FORBIDDEN, "HOST_MISMATCH"):
            return Result(WRONG, f"answered {answer.status} {reason or 'by no gate'}", "close this way")
        return Result(FINE, "HOST_MISMATCH")

    def journal(self) -> Result:
        """The chain of records."""
        words = [self._given.journal] if self._given.journal else []
        words += ["--key-file", self._given.key_file] if self._given.key_file else []
        done = self._s3gate("audit", "verify", "--json", "--config", self._given.config, *words)
        told = done.lines()
        if done.code == EXIT_NO:
            fault = next((one for one in told if "fault" in one), {})
            detail = f"{fault.get('writer')}: seq {fault.get('seq')}: {fault.get('fault')}"
            return Result(WRONG, detail, "keep the disk as it is, and see who was on it")
        if done.code:
            return Result(UNKNOWN, done.last)
        writers = [one for one in told if "records" in one]
        records = sum(int(str(one["records"])) for one in writers)
        return Result(FINE, f"{records} records of {len(writers)} writers, whole and unaltered")

    def trace_path(self) -> Result:
        """What CloudTrail says of the bucket since the start: all by the endpoint, all by the gate."""
        given = self._given
        if not given.expect_vpce:
            return Result(LEFT_OUT, "--expect-vpce was not given: nothing is known of the way to S3")
        words: list[object] = ["trace-path", "--bucket", given.bucket, "--config", given.config, "--json"]
        words += ["--expect-vpce", given.expect_vpce]
        words += ["--journal", given.journal] if given.journal else []
        deadline, pause = time.monotonic() + given.trail_timeout, threading.Event()
        while True:
            since = f"{int((time.time() - self._started) / 60) + 1}m"
            where = [given.trail] if given.trail else ["--lookup", "--since", since, "--region", given.region]
            done = self._s3gate(*words, *where)
            if done.code != EXIT_ENVIRONMENT or time.monotonic() >= deadline:
                return judge_trail(done, given.expect_vpce)
            pause.wait(min(TRAIL_LOOK_S, max(0.0, deadline - time.monotonic())))


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
