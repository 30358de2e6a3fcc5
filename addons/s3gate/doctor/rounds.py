"""Which checks there are: a round on a client, and one on the gate.

The normal case: each check is tried whatever became of the others; what a check needs from
an earlier one (the proxy's address, the settings) it takes from there, or says that it could
not be tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from s3gate.doctor.bounded import STEP_S, Check
from s3gate.doctor.client import IMDS, PROXY, WAY, check_metadata, check_way, find_proxy, no_proxy_found
from s3gate.doctor.finding import Finding, unknown
from s3gate.doctor.gate import (
    CA,
    JOURNAL,
    POLICY,
    SETTINGS,
    check_ca,
    check_journal,
    check_policy,
    check_settings,
    utc_now,
)
from s3gate.doctor.health import READY, check_health
from s3gate.doctor.logs import ENDPOINT, check_logs
from s3gate.doctor.names import check_private, check_upstream
from s3gate.doctor.refusal import CANARY, check_canary, without_canary
from s3gate.doctor.trust import REACHED, check_tls
from s3gate.doctor.way import NoWay, Proxy, find_region, find_trust, proxy_text, suffix_of
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.settings import Settings

DNS: Final = "DNS answers"
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and how to get there


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line.

    Args:
        region: of the clients, or None for that of the AWS configuration.
        private: names that must resolve privately.
        nameservers: who is asked for these; empty: the system, or those of the settings.
        logs_endpoint: URL at which CloudWatch Logs must answer, or None.
        canary: whether a request is sent that must be refused.
    """

    region: str | None = None
    private: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    logs_endpoint: str | None = None
    canary: bool = False


class _Client:
    """A client's round; the proxy that one check found serves the next."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._proxy: Proxy | None = None

    @property
    def _region(self) -> str:
        try:
            return self._wish.region or find_region()
        except NoWay:  # `check_way` says so
            return "us-east-1"

    def proxy(self) -> Sequence[Finding]:
        self._proxy, found = find_proxy(self._region)
        return [found]

    def way(self) -> Sequence[Finding]:
        return check_way(self._region)

    def tls(self) -> Sequence[Finding]:
        return no_proxy_found(REACHED) if self._proxy is None else check_tls(self._proxy, self._region)

    def logs(self) -> Sequence[Finding]:
        return check_logs(self._region, self._wish.logs_endpoint, None)

    def canary(self) -> Sequence[Finding]:
        if not self._wish.canary:
            return without_canary()
        text = proxy_text(f"https://s3.{self._region}.{suffix_of(self._region)}/")
        if self._proxy is None or text is None:
            return no_proxy_found(CANARY)
        try:
            return check_canary(with_scheme(text), Path(find_trust().path), self._region)
        except NoWay as exc:
            return [unknown(CANARY, str(exc), "correct the AWS configuration")]


def with_scheme(text: str) -> str:
    """A proxy's URL with its scheme.

    Args:
        text: as configured.
    """
    return text if "://" in text else f"http://{text.removeprefix('//')}"


def client_checks(wish: Wish) -> list[Check]:
    """The round on a client.

    Args:
        wish: what was asked for.
    """
    client = _Client(wish)
    checks = [
        Check(PROXY, client.proxy),
        Check(WAY, client.way),
        Check(IMDS, check_metadata),
        Check(REACHED, client.tls),
        *_private_checks(wish.private, wish.nameservers),
    ]
    if wish.logs_endpoint is not None:
        checks.append(Check(ENDPOINT, client.logs))
    return [*checks, Check(CANARY, client.canary)]


def _private_checks(names: Sequence[str], nameservers: Sequence[str], seconds: float = STEP_S) -> list[Check]:
    return [Check(f"private {name}", partial(check_private, name, nameservers, seconds)) for name in names]


def gate_checks(config: Path, wish: Wish) -> list[Check]:
    """The round on the gate's machine.

    Args:
        config: the settings file.
        wish: what was asked for.
    """
    settings, found = check_settings(config)
    first = Check(SETTINGS, lambda: [found])
    if settings is None:
        rest = (POLICY, CA, JOURNAL, DNS, READY, ENDPOINT)
        return [first, *(Check(name, partial(_needs_settings, name)) for name in rest)]
    policy, judged = check_policy(settings)
    region = wish.region or settings.cloudwatch.region or _first_region(policy)
    nameservers = wish.nameservers or _nameservers(settings)
    checks = [
        first,
        Check(POLICY, lambda: [judged]),
        Check(CA, lambda: check_ca(settings, utc_now())),
        Check(JOURNAL, lambda: check_journal(settings)),
        Check(DNS, lambda: _check_dns(settings, policy, nameservers)),
        *_private_checks(wish.private, nameservers, settings.dns.timeout_s),
        Check(READY, lambda: check_health(settings)),
    ]
    if settings.cloudwatch.enabled:
        shipped = settings.cloudwatch
        checks.append(
            Check(
                ENDPOINT,
                lambda: check_logs(shipped.region or region, shipped.endpoint_url, shipped.log_group),
            )
        )
    return [
        *checks,
        Check(CANARY, lambda: _gate_canary(settings, region) if wish.canary else without_canary()),
    ]


def _needs_settings(name: str) -> Sequence[Finding]:
    return [unknown(name, "the settings cannot be read", "correct them first")]


def _first_region(policy: Policy | None) -> str:
    return min(policy.regions, default="us-east-1") if policy is not None else "us-east-1"


def _nameservers(settings: Settings) -> tuple[str, ...]:
    return tuple(
        f"[{one.address}]:{one.port}" if ":" in one.address else f"{one.address}:{one.port}"
        for one in settings.dns.nameservers
    )


def _check_dns(settings: Settings, policy: Policy | None, nameservers: Sequence[str]) -> Sequence[Finding]:
    region = _first_region(policy)
    networks = parse_networks(settings.upstream.networks)
    return check_upstream(f"s3.{region}.{suffix_of(region)}", nameservers, networks, settings.dns.timeout_s)


def _gate_canary(settings: Settings, region: str) -> Sequence[Finding]:
    listen = settings.listen
    if listen.proxy_protocol != "off" or listen.port == 0:
        told = "clients do not reach the gate at a port of the settings"
        return [
            unknown(CANARY, told, "s3gate audit selftest --deny-canary --proxy http://LOAD-BALANCER:PORT")
        ]
    host = ANYWHERE.get(listen.host, listen.host)
    url = f"http://[{host}]:{listen.port}" if ":" in host else f"http://{host}:{listen.port}"
    certificate = settings.ca.certificate
    if not isinstance(certificate, Path):
        return [unknown(CANARY, "the CA lies in no file", "run it on a client: s3gate doctor --canary")]
    return check_canary(url, certificate, region)
