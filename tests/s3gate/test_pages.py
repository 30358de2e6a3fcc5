"""The pages: who may see what, who is noticed, and what an address in use says."""

import errno
import os
import socket
import time
from pathlib import Path

import pytest

from gate_process import GateFiles, ask
from s3gate.health.server import Page
from s3gate.health.watchers import Watchers
from s3gate.loading import CannotStart
from s3gate.pages import cannot_listen, serve_pages
from s3gate.settings import Settings, read_settings
from s3gate.settings.model import Listen


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(GateFiles(tmp_path).write())


def page(text: bytes) -> Page:
    return Page(200, "text/plain", text)


def test_counters_are_for_the_operator_alone(settings: Settings) -> None:
    pages = serve_pages(settings, lambda: page(b"ready"), lambda: page(b"counters"), Watchers())
    with pages as (health, admin):
        assert ask(health, "/livez") == ask(admin, "/livez") == (200, b"alive\n")
        assert ask(health, "/readyz") == ask(admin, "/readyz") == (200, b"ready")
        assert ask(admin, "/metrics") == (200, b"counters")
        assert ask(health, "/metrics")[0] == 404


@pytest.mark.parametrize(("side", "must_hear"), [(0, True), (1, False)], ids=["health", "admin"])
def test_only_who_asks_on_the_load_balancers_side_must_hear_that_the_gate_leaves(
    settings: Settings, side: int, must_hear: bool
) -> None:
    watchers, before = Watchers(), time.monotonic()
    with serve_pages(settings, lambda: page(b""), lambda: page(b""), watchers) as ports:
        for _ in range(2):
            ask(ports[side], "/readyz")
    watchers.leave(before)
    assert watchers.unaware(before) is must_hear


@pytest.mark.parametrize("name", ["health", "admin"])
def test_an_address_in_use_is_told(settings: Settings, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        where = getattr(settings, name).model_copy(update={"port": port})
        busy = settings.model_copy(update={name: where})
        with (
            pytest.raises(CannotStart, match=f"cannot listen on 127.0.0.1:{port} for {name}"),
            serve_pages(busy, lambda: page(b""), lambda: page(b""), Watchers()),
        ):
            raise AssertionError("it listened")


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.EADDRINUSE, "choose a free `listen.port`, or end whoever has it (`ss -ltnp`)"),
        (errno.EADDRNOTAVAIL, "`listen.host` must be an address of this machine"),
        (errno.EACCES, "`listen.port` is kept for root: choose one above 1023"),
        (errno.EMFILE, "choose another `listen.port`"),
    ],
    ids=["in use", "not ours", "not allowed", "odd"],
)
def test_the_next_step_fits_what_is_wrong(number: int, step: str) -> None:
    told = str(cannot_listen("listen", Listen(), OSError(number, os.strerror(number))))
    assert told == f"cannot listen on 0.0.0.0:8080: {os.strerror(number)}; {step}"
