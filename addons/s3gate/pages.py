"""The pages beside the gate: for the load balancer whether it is ready, for the operator what it counts.

The normal case: two small servers, `health` for `/livez` and `/readyz`, `admin` for these
and `/metrics`; both answer while the gate runs, and until its end.
"""

import errno
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Final, NamedTuple

from s3gate.health.server import HealthServer, Page, Route, Watch
from s3gate.health.watchers import Watchers
from s3gate.loading import CannotStart
from s3gate.settings import Settings
from s3gate.settings.model import Admin, Health, Listen

_STEPS: Final = {
    errno.EADDRINUSE: "choose a free `{}.port`, or end whoever has it (`ss -ltnp`)",
    errno.EADDRNOTAVAIL: "`{}.host` must be an address of this machine",
    errno.EACCES: "`{}.port` is kept for root: choose one above 1023",
}


class Ports(NamedTuple):
    """The TCP ports that are listened on, also where the settings left the choice."""

    gate: int
    health: int
    admin: int


@contextmanager
def serve_pages(
    settings: Settings, ready: Route, measured: Route, watchers: Watchers
) -> Iterator[tuple[int, int]]:
    """The pages for the load balancer and for the operator, while the gate runs.

    Args:
        settings: where.
        ready: makes `/readyz`.
        measured: makes `/metrics`.
        watchers: told who asked whether the gate is ready, of the load balancer's side.

    Raises:
        CannotStart: an address cannot be had.
    """

    def live() -> Page:
        return Page(200, "text/plain; charset=utf-8", b"alive\n")

    def watch(path: str, peer: str, status: int) -> None:
        if path == "/readyz":
            watchers.asked(peer, time.monotonic(), ready=status == HTTPStatus.OK)

    pages: dict[str, Route] = {"/livez": live, "/readyz": ready}
    with ExitStack() as stack:
        health = _open_page("health", settings.health, pages, watch)
        stack.callback(health.close)
        admin = _open_page("admin", settings.admin, pages | {"/metrics": measured}, lambda *_: None)
        stack.callback(admin.close)
        yield health.port, admin.port


def _open_page(name: str, where: Health | Admin, pages: dict[str, Route], watch: Watch) -> HealthServer:
    try:
        return HealthServer(where.host, where.port, pages, watch)
    except OSError as exc:
        raise cannot_listen(name, where, exc) from exc


def cannot_listen(section: str, where: Listen | Health | Admin, problem: OSError) -> CannotStart:
    """Why an address cannot be had, with what to set.

    Args:
        section: of the settings.
        where: that section.
        problem: what the kernel said.
    """
    step = _STEPS.get(problem.errno or 0, f"choose another `{section}.port`").format(section)
    place = f"{where.host}:{where.port}" + (f" for {section}" if section != "listen" else "")
    return CannotStart(f"cannot listen on {place}: {problem.strerror}; {step}")
