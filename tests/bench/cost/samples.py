"""One measurement each: what the clients do, and what the proxy used for it."""

import shutil
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cost.accounting import Account, cpu_s_of
from bench.cost.bulk import curl, sync
from bench.cost.client import keep_alive, new_connections, open_tunnels, shared_load
from bench.cost.crowd import Moved, download, refused_upload, upload
from bench.cost.origin import EVIL, GIB, HOST, MEDIUM_BYTES, MIB, Origin
from bench.cost.proxies import Proxy

CONNECTIONS = 16  # of the workers' rows: with SO_REUSEPORT all on one of two workers is 1 in 32,768
AT_ONCE = 4
REFUSED_BIG = 5 * GIB  # the most that one PUT of S3 takes
REFUSED_SMALL = MIB
BROKEN_MOST = 0.02  # of a crowd; more, and the figure would be that of another load


class FailedError(Exception):
    """A measurement that would not mean what its row says."""


def warm_up(proxy: Proxy) -> None:
    """The first connections: certificates, imports, pools."""
    new_connections(proxy.route(), 5)
    keep_alive(proxy.route(), 20)


def requests(proxy: Proxy, connections: int, kept: int) -> dict[str, float]:
    """Small requests: CPU and latency."""
    found: dict[str, float] = {}
    for name, work, count in (("connect", new_connections, connections), ("keep_alive", keep_alive, kept)):
        before = _cpu_s(proxy)
        times = work(proxy.route(), count)
        if proxy.account is not None:
            found[f"{name}_cpu_ms"] = (_cpu_s(proxy) - before) * 1000 / count
        hundredths = statistics.quantiles(times, n=100)
        found |= {f"{name}_p50_ms": hundredths[49] * 1000, f"{name}_p99_ms": hundredths[98] * 1000}
    return found


def transfers(proxy: Proxy, origin: Origin) -> dict[str, float]:
    """One big object down, up, and up in chunks: CPU and rate."""
    size = origin.big.stat().st_size
    put = ["-H", "Expect:", "-T", str(origin.big)]
    plan = {
        "get": ["/big/0"],
        "put": ["/up/big", *put],
        "put_chunked": ["/up/big", "-H", "Transfer-Encoding: chunked", *put],
    }
    found: dict[str, float] = {}
    for name, arguments in plan.items():
        before = _cpu_s(proxy)
        seconds = _checked(curl, proxy.route(), *arguments)
        if proxy.account is not None:
            found[f"{name}_cpu_s_per_gib"] = (_cpu_s(proxy) - before) * GIB / size
        found[f"{name}_mib_per_s"] = size / MIB / seconds
        if name != "get" and origin.clear_uploads() != size:
            raise FailedError(f"{name}: the origin has not what was sent")
    return found


def syncs(proxy: Proxy, origin: Origin, files: int, big: int) -> dict[str, float]:
    """`aws s3 sync` of many small and of few big files, down and up; each checked by what arrived."""
    home = origin.directory / "home"
    shutil.rmtree(home, ignore_errors=True)  # of a sync that broke off
    origin.clear_uploads()
    found: dict[str, float] = {}
    for name, count, source in (("many", files, "file"), ("big", big, "gib")):
        size = (origin.directory / "files" / source).stat().st_size
        home.mkdir()
        target = home / "target"
        found[f"sync_down_{name}_s"] = _checked(
            sync, proxy.route(), f"s3://good-bucket/{name}/", str(target), home
        )
        _check_files(target, count, size)
        shutil.rmtree(target)
        _fill(target, count, size)
        found[f"sync_up_{name}_s"] = _checked(sync, proxy.route(), str(target), "s3://good-bucket/up/", home)
        if sum(1 for path in (origin.directory / "files" / "up").iterdir()) != count:
            raise FailedError(f"the origin has not all {count} files of the sync")
        origin.clear_uploads()
        shutil.rmtree(home)
    return found


def _fill(directory: Path, count: int, size: int) -> None:
    directory.mkdir()
    for number in range(count):
        with (directory / f"{number:04d}").open("wb") as file:
            file.truncate(size)


def _check_files(directory: Path, count: int, size: int) -> None:
    sizes = [path.stat().st_size for path in directory.iterdir()]
    if sizes != [size] * count:
        raise FailedError(f"the sync left {len(sizes)} files of {sum(sizes)} bytes, not {count} of {size}")


def tunnels(proxy: Proxy, count: int, *, used: bool) -> dict[str, float]:
    """What an open tunnel takes, and before it a worker that has served a few requests."""
    account = _account(proxy)
    warm_up(proxy)
    before = account.resident()
    with open_tunnels(proxy.route(), count, used=used):
        grown = account.resident() - before
    row = "tunnel_used_kib" if used else "tunnel_idle_kib"
    return {"idle_mib": before / MIB, row: grown / count / 1024}


@dataclass(frozen=True)
class Crowd:
    """A kind of crowd.

    Args:
        row: its key.
        method: GET or PUT.
        big: whether the objects are the big ones.
        refused: whether the bucket is one that is not allowed.
    """

    row: str
    method: str
    big: bool
    refused: bool = False

    @property
    def may_be_whole(self) -> bool:
        """Whether its objects can be moved whole: uploads would fill the memory they are kept in."""
        return self.method == "GET" and self.big


CROWDS = (
    Crowd("crowd_get_small_mib", "GET", big=False),
    Crowd("crowd_get_big_mib", "GET", big=True),
    Crowd("crowd_put_small_mib", "PUT", big=False),
    Crowd("crowd_put_big_mib", "PUT", big=True),
    Crowd("crowd_denied_small_mib", "PUT", big=False, refused=True),
    Crowd("crowd_denied_big_mib", "PUT", big=True, refused=True),
)


def crowd(
    proxy: Proxy, kind: Crowd, count: int, seconds: float | None, big: int, notes: list[str]
) -> dict[str, float]:
    """The peak with so many clients at once, and a note of what they moved."""
    account = _account(proxy)
    warm_up(proxy)
    account.reset_peak()
    route = proxy.route(EVIL if kind.refused else HOST)
    if kind.refused:
        moved = refused_upload(route, REFUSED_BIG if kind.big else REFUSED_SMALL, count)
    elif kind.method == "GET":
        moved = download(route, "/big/" if kind.big else "/medium/", count, seconds)
    else:
        moved = upload(route, "/up/", big if kind.big else MEDIUM_BYTES, count, seconds)
    peak = account.peak() / MIB
    notes.append(f"{kind.row}, {proxy.name}: {told(moved, count)}")
    if moved.broken > count * BROKEN_MOST:
        raise FailedError(f"{moved.broken} transfers broke off: {moved.why}")
    return {kind.row: peak}


def told(moved: Moved, count: int) -> str:
    """What a crowd did, in words."""
    words = (
        f"{count} clients, {moved.received / GIB:.2f} GiB down and {moved.sent / GIB:.2f} GiB up"
        f" in {moved.seconds:.1f} s, {moved.transfers} ended"
    )
    if moved.answer_s:
        words += f", answered within {moved.answer_s:.2f} s"
    return words + (f", {moved.broken} broke off ({moved.why})" if moved.broken else "")


def shared(proxy: Proxy, count: int, requests_made: int, notes: list[str]) -> dict[str, float]:
    """CPU of a request when several connections are busy; with two workers both must serve."""
    account = _account(proxy)
    workers = account.workers()
    with open_tunnels(proxy.route(), CONNECTIONS, used=True) as connections:
        shared_load(connections, HOST, AT_ONCE, requests_made // 4)
        before, each = account.cpu_s(), [cpu_s_of(pid) for pid in workers]
        made = shared_load(connections, HOST, AT_ONCE, requests_made)
        spent = account.cpu_s() - before
    shares = [(cpu_s_of(pid) - had) / spent for pid, had in zip(workers, each, strict=True)]
    busy = [share for share in shares if share > 0.05]
    if len(busy) != count:
        raise FailedError(f"{len(busy)} of {count} workers served: {shares}")
    notes.append(f"{count} workers: shares of the load " + ", ".join(f"{share:.0%}" for share in busy))
    return {f"workers_{count}_cpu_ms": spent * 1000 / made}


def _cpu_s(proxy: Proxy) -> float:
    return proxy.account.cpu_s() if proxy.account is not None else 0.0


def _account(proxy: Proxy) -> Account:
    assert proxy.account is not None
    return proxy.account


def _checked[**P](work: Callable[P, float], *arguments: P.args, **named: P.kwargs) -> float:
    try:
        return work(*arguments, **named)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        raise FailedError(f"{type(exc).__name__}: {exc}") from exc
