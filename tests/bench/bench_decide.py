"""What a decision costs with 10,000 rules: `python tests/bench/bench_decide.py [--json]`.

Prints the time from the file's bytes to a Policy, and percentiles of a whole
decision: head, name, address, query, operation, copy source, credential, rules.
"""

import gc
import json
import statistics
import sys
import time
from datetime import UTC, datetime

from s3gate.policy.decide import decide_request
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request

RULES = 10_000
ROUNDS = 30_000
REPEATS = 5  # of one request in a row
REGION = "ap-northeast-1"
KEY = "ASIAY34FZKBOKMUTVV7A"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def policy_text(rules: int = RULES) -> bytes:
    """A policy with so many rules, each with keys, a client group and accounts."""
    head = (
        f"version: 1\nendpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard]}}\n"
        "clients:\n  batch: {cidrs: [10.20.0.0/24, 10.30.0.0/16]}\nrules:\n"
    )
    rows = (
        f"  - id: rule-{n}\n    bucket: bucket-{n}\n    allow: [read, write, list]\n"
        f'    keys: ["incoming/*", "done/{n}/*"]\n    clients: [batch]\n    accounts: ["609629065308"]\n'
        for n in range(rules)
    )
    return (head + "".join(rows)).encode()


def signed(method: str, host: str, target: str, *extra: tuple[str, str]) -> Request:
    """A request as awscli sends it."""
    names = ";".join(sorted({"host", "x-amz-date", "x-amz-content-sha256", *(n.lower() for n, _ in extra)}))
    headers = (
        ("Accept-Encoding", "identity"),
        *extra,
        ("User-Agent", "aws-cli/1.46.3 md/Botocore#1.43.62 ua/2.1 os/linux#6.1 md/arch#x86_64"),
        ("X-Amz-Date", "20261122T120000Z"),
        ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={KEY}/20261122/{REGION}/s3/aws4_request, "
                f"SignedHeaders={names}, Signature={'0' * 64}"
            ),
        ),
        ("Host", host),
    )
    return Request(
        method, "https", None, target, headers, f"{host}:443", host, Client("10.20.0.5", 4242), NOW
    )


def requests() -> list[Request]:
    """A mix: uploads, downloads, lists, path style, a copy, a denial; over many buckets."""
    made = []
    for n in range(0, RULES, 50):
        host = f"bucket-{n}.s3.{REGION}.amazonaws.com"
        chunked = (("Transfer-Encoding", "chunked"), ("Expect", "100-continue"))
        made += [
            signed("PUT", host, "/incoming/2026/report%20a.csv", *chunked),
            signed("GET", host, "/incoming/2026/report.csv"),
            signed("GET", host, "/?list-type=2&prefix=incoming%2F&max-keys=100&encoding-type=url"),
            signed("PUT", f"s3.{REGION}.amazonaws.com", f"/bucket-{n}/incoming/x?partNumber=1&uploadId=abc"),
            signed("PUT", host, "/incoming/copy", ("x-amz-copy-source", f"bucket-{n}/incoming/a")),
            signed("PUT", f"evil-{n}.s3.{REGION}.amazonaws.com", "/secret", *chunked),
        ]
    return made


def measure(policy: Policy, rounds: int = ROUNDS) -> dict[str, float]:
    """Percentiles of one decision in microseconds, over the mix.

    `p…` take every call as it came, with whatever else the machine did meanwhile; `own_p…`
    take for each request the best of `REPEATS` calls: what the decision itself costs.
    """
    mix = requests()
    for request in mix:
        decide_request(policy, request)
    gc.collect()
    gc.freeze()
    times: list[int] = []
    own: list[int] = []
    for index in range(rounds // REPEATS):
        request = mix[index % len(mix)]
        taken = []
        for _ in range(REPEATS):
            start = time.perf_counter_ns()
            decide_request(policy, request)
            taken.append(time.perf_counter_ns() - start)
        times += taken
        own.append(min(taken))
    gc.unfreeze()
    figures: dict[str, float] = {}
    for name, values in (("", times), ("own_", own)):
        cuts = statistics.quantiles(values, n=1000)
        figures |= {f"{name}p50_us": cuts[499] / 1e3, f"{name}p99_us": cuts[989] / 1e3}
    return figures


def main() -> None:
    """Print the figures."""
    text = policy_text()
    start = time.perf_counter()
    policy = parse_policy(text)
    load_s = time.perf_counter() - start
    figures = {"rules": RULES, "load_s": load_s, **measure(policy)}
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"load {RULES} rules ({len(text) / 1e6:.1f} MB): {load_s:.2f} s")
    print("one decision: " + "  ".join(f"{k} {v:.1f}" for k, v in figures.items() if k.endswith("_us")))


if __name__ == "__main__":
    main()
