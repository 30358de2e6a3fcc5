"""Every row for every proxy, repeated in turn, so that a noisy minute of the machine meets them all."""

import contextlib
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.cost.load import curl, denied_uploads, keep_alive, new_connections, sync, tunnels
from bench.cost.origin import HOST, Origin, run_origin
from bench.cost.proxies import Proxy, direct, mitmdump, s3gate, squid

NEW = 200  # connections in one measurement
KEPT = 2_000  # requests in one measurement
TUNNELS = 1_000
DENIED = 100
MIB = 1 << 20

GET, PUT, CHUNKED = "GET, CPU s/GiB", "PUT, CPU s/GiB", "PUT in chunks, CPU s/GiB"
CONNECT, KEEP = "new CONNECT+TLS+GET, CPU ms", "keep-alive GET, CPU ms"
P50, P99 = "keep-alive GET, p50 ms", "keep-alive GET, p99 ms"
RATE = "GET, MiB/s"
IDLE, OPEN, USED, AFTER_DENIED = (
    "memory idle, MiB",
    "memory of an idle tunnel, KiB",
    "memory of a tunnel with its upstream, KiB",
    "memory gained by 100 denied 5 GiB PUTs, MiB",
)
SYNC_MANY, SYNC_BIG = "aws s3 sync of 2,000 x 100 KB, s", "aws s3 sync of 4 x 1 GiB, s"


@dataclass
class Results:
    """Measured values: row, proxy, one value a repeat."""

    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, row: str, proxy: str, value: float) -> None:
        """Keep one value."""
        self.values[row][proxy].append(value)

    def median(self, row: str, proxy: str) -> float | None:
        """The middle one, or None when it was not measured."""
        found = self.values.get(row, {}).get(proxy)
        return statistics.median(found) if found else None


def measure_all(directory: Path, repeats: int, *, quick: bool) -> Results:
    """Start everything, measure, stop everything."""
    results = Results()
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(run_origin(directory / "origin"))
        starters = {"squid": squid, "mitmdump": mitmdump, "s3gate": s3gate}
        proxies = [stack.enter_context(start(directory / name, origin)) for name, start in starters.items()]
        proxies.insert(0, stack.enter_context(direct(directory, origin)))
        for proxy in proxies:
            if proxy.pid is not None:
                results.add(IDLE, proxy.name, proxy.rss() / MIB)
            new_connections(proxy, 5)
        for number in range(repeats):
            for proxy in proxies:
                print(f"repeat {number + 1} of {repeats}: {proxy.name}", file=sys.stderr, flush=True)
                measure_requests(results, proxy)
                measure_bulk(results, proxy, origin)
        if not quick:
            measure_sync(results, proxies, directory)
            for proxy in proxies:
                measure_memory(results, proxy)
    return results


def measure_requests(results: Results, proxy: Proxy) -> None:
    """The rows of small requests."""
    spent = _cpu(proxy, lambda: new_connections(proxy, NEW))
    results.add(CONNECT, proxy.name, spent * 1000 / NEW)
    times: list[float] = []
    spent = _cpu(proxy, lambda: times.extend(keep_alive(proxy, KEPT)))
    results.add(KEEP, proxy.name, spent * 1000 / KEPT)
    hundredths = statistics.quantiles(times, n=100)
    results.add(P50, proxy.name, hundredths[49] * 1000)
    results.add(P99, proxy.name, hundredths[98] * 1000)


def measure_bulk(results: Results, proxy: Proxy, origin: Origin) -> None:
    """The rows of 1 GiB."""
    seconds: list[float] = []
    spent = _cpu(proxy, lambda: seconds.append(curl(proxy, f"https://{HOST}/gib")))
    results.add(GET, proxy.name, spent)
    results.add(RATE, proxy.name, 1024 / seconds[0])
    name = proxy.name.replace(" ", "-")
    upload = ["-H", "Expect:", "-T", str(origin.gib), f"https://{HOST}/up/{name}"]
    with contextlib.suppress(subprocess.CalledProcessError):  # Squid 5.7 breaks many of these off by itself
        results.add(PUT, proxy.name, _cpu(proxy, lambda: curl(proxy, *upload)))
    chunked = ["-H", "Transfer-Encoding: chunked", *upload]
    results.add(CHUNKED, proxy.name, _cpu(proxy, lambda: curl(proxy, *chunked)))
    for path in (origin.gib.parent / "up").iterdir():
        path.unlink()


def measure_memory(results: Results, proxy: Proxy) -> None:
    """The rows of memory."""
    if proxy.pid is None:
        return
    for row, used in ((OPEN, False), (USED, True)):
        before = proxy.rss()
        made = tunnels(proxy, TUNNELS, used=used)
        results.add(row, proxy.name, (proxy.rss() - before) / TUNNELS / 1024)
        for connection in made:
            connection.close()
    if proxy.name.startswith("s3gate"):
        before = proxy.rss()
        denied_uploads(proxy, DENIED)
        results.add(AFTER_DENIED, proxy.name, (proxy.rss() - before) / MIB)


def measure_sync(results: Results, proxies: list[Proxy], directory: Path) -> None:
    """The rows of `aws s3 sync`."""
    for proxy in proxies:
        for row, prefix in ((SYNC_MANY, "many/"), (SYNC_BIG, "big/")):
            target = directory / "synced"
            target.mkdir()
            results.add(row, proxy.name, sync(proxy, prefix, target))
            shutil.rmtree(target)


def _cpu(proxy: Proxy, work: Callable[[], object]) -> float:
    before = proxy.cpu_s()
    work()
    return proxy.cpu_s() - before
