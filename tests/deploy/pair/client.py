"""Users of boto3 that never stop: put, get back and compare, be refused; a line of JSON for each.

The normal case: it runs until its standard input is closed, each thread with a client of its
own. Retries are boto3's; nothing here tries again.
"""

import io
import itertools
import json
import os
import sys
import threading
import time
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

PACE_S = 0.1  # between two transfers of one user: a burst that fills the machine measures only that
SIZES = (1, 300, 20_000, 400_000)
ONE_BY_ONE = TransferConfig(use_threads=False)

over = threading.Event()
printing = threading.Lock()


class User:
    """One thread's client, which counts what it sends."""

    def __init__(self, name: str) -> None:
        self.name, self.sent = name, 0
        self.s3 = boto3.session.Session().client("s3")
        self.s3.meta.events.register("before-send.s3", self._count)

    def _count(self, **_: object) -> None:
        self.sent += 1

    def work(self) -> None:
        for number in itertools.count():
            if over.wait(PACE_S):
                return
            key, size = f"{self.name}/{number}", SIZES[number % len(SIZES)]
            body = (key * size)[:size].encode()
            self._try("put", "good-bucket", key, self._put, body)
            self._try("get", "good-bucket", key, self._get, body)
            self._try("put", "evil-bucket", key, self._put, body)
            self._try("get", "evil-bucket", key, self._get, body)
            for bucket in ("early-bucket", "late-bucket"):
                self._try("put", bucket, key, self._put, body)

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def _get(self, bucket: str, key: str, body: bytes) -> None:
        """By the transfer manager, which also tries a broken body again."""
        got = io.BytesIO()
        self.s3.download_fileobj(bucket, key, got, Config=ONE_BY_ONE)
        if got.getvalue() != body:
            raise ValueError("it is not what was put")

    def _try(self, verb: str, bucket: str, key: str, call: Any, body: bytes) -> None:
        self.sent, began = 0, time.monotonic()
        told: dict[str, object] = {}
        try:
            call(bucket, key, body)
            outcome = "done"
        except ClientError as exc:
            code, answer = exc.response["Error"]["Code"], exc.response["ResponseMetadata"]
            outcome = "refused" if code in ("AccessDenied", "403") else f"failed: {exc}"
            headers = answer["HTTPHeaders"]
            told = {"decision": headers.get("x-amz-request-id"), "reason": headers.get("x-s3gate-reason")}
        except (BotoCoreError, OSError, ValueError) as exc:
            outcome = f"failed: {exc!r}"
        line = {
            "verb": verb, "bucket": bucket, "key": key, "outcome": outcome, "sent": self.sent,
            "began": began, "ended": time.monotonic(), **told,
        }  # fmt: skip
        with printing:
            print(json.dumps(line), flush=True)


def main() -> None:
    users = [User(f"{os.getpid()}-{number}") for number in range(int(sys.argv[1]))]
    threads = [threading.Thread(target=user.work) for user in users]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
