"""Whole programs as clients: curl for one transfer, awscli for a whole prefix."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.cost.client import Route, signed

CURL_S = 120.0  # seconds that one transfer may take
SYNC_S = 540.0  # seconds that one sync may take
# awscli in a Python that looks up every name at the address of its first argument: "direct" has no proxy that
# could do so. The same for all, so that all starts cost the same.
AWS = """
import socket, sys
address = sys.argv.pop(1)
if address != "-":
    look_up = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **named: look_up(address, *rest, **named)
from awscli.clidriver import main
sys.exit(main())
"""


def curl(route: Route, path: str, *arguments: str) -> float:
    """One transfer; wall seconds.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    way = ["--resolve", f"{route.host}:443:{route.address[0]}"]
    if route.proxied:
        way = ["--proxy", f"http://{route.address[0]}:{route.address[1]}"]
    trust = ["--cacert", str(route.roots)]
    headers = [part for header in signed(route.host, 0) for part in ("-H", header)]
    command = ["curl", "-sS", "-f", "--http1.1", "-o", os.devnull, *trust, *way, *headers, *arguments]
    started = time.perf_counter()
    subprocess.run([*command, f"https://{route.host}{path}"], check=True, timeout=CURL_S)
    return time.perf_counter() - started


def sync(route: Route, source: str, target: str, home: Path) -> float:
    """`aws s3 sync`; wall seconds, the start of awscli included.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_CA_BUNDLE": str(route.roots),
        "AWS_DEFAULT_REGION": route.host.split(".")[2],
        "AWS_ACCESS_KEY_ID": "AKIAY34FZKBOKMUTVV7A",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
        "HOME": str(home),
    }
    if route.proxied:
        environment["HTTPS_PROXY"] = f"http://{route.address[0]}:{route.address[1]}"
    address = "-" if route.proxied else route.address[0]
    command = [sys.executable, "-c", AWS, address, "s3", "sync", source, target, "--quiet"]
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, timeout=SYNC_S)
    return time.perf_counter() - started
