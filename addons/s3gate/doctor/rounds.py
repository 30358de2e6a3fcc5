"""Which checks there are: a round on a client, and one on the gate.

The normal case: each check is tried whatever became of the others; what a check needs from
an earlier one (the proxy's address, the settings) it takes from there, or says that it could
not be tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
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
    read_ca,
    utc_now,
)
from s3gate.doctor.health import READY, check_health
from s3gate.doctor.logs import ENDPOINT, check_logs
from s3gate.doctor.names import check_private, check_upstream
from s3gate.doctor.refusal import CANARY, check_canary, without_canary
from s3gate.doctor.trust import REACHED, check_tls
from s3gate.doctor.way import USUAL_REGION, NoWay, Proxy, find_region, find_trust, proxy_text, suffix_of
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.policy.source import SourceUnreachable
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
            return USUAL_REGION

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


class _Gate:
    """The gate's round; the policy that one check read serves the next."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        self._settings, self._wish = settings, wish
        self._policy: Policy | None = None
        self.nameservers = wish.nameservers or _nameservers(settings)

    @property
    def _region(self) -> str:
        listed = min(self._policy.regions, default=USUAL_REGION) if self._policy is not None else None
        return self._wish.region or listed or self._settings.cloudwatch.region or USUAL_REGION

    def policy(self) -> Sequence[Finding]:
        self._policy, found = check_policy(self._settings)
        return [found]

    def ca(self) -> Sequence[Finding]:
        return check_ca(self._settings, utc_now())

    def names(self) -> Sequence[Finding]:
        upstream, seconds = parse_networks(self._settings.upstream.networks), self._settings.dns.timeout_s
        name = f"s3.{self._region}.{suffix_of(self._region)}"
        return check_upstream(name, self.nameservers, upstream, seconds)

    def logs(self) -> Sequence[Finding]:
        shipped = self._settings.cloudwatch
        return check_logs(shipped.region or self._region, shipped.endpoint_url, shipped.log_group)

    def canary(self) -> Sequence[Finding]:
        listen = self._settings.listen
        if not self._wish.canary:
            return without_canary()
        if listen.proxy_protocol != "off" or listen.port == 0:
            told = "clients do not reach the gate at a port of the settings"
            then = "s3gate audit selftest --deny-canary --proxy http://LOAD-BALANCER:PORT"
            return [unknown(CANARY, told, then)]
        host = ANYWHERE.get(listen.host, listen.host)
        url = f"http://[{host}]:{listen.port}" if ":" in host else f"http://{host}:{listen.port}"
        with NamedTemporaryFile(suffix=".pem") as file:
            try:
                file.write(read_ca(self._settings))
            except (OSError, SourceUnreachable) as exc:
                return [unknown(CANARY, f"the CA cannot be read ({type(exc).__name__})", "see the CA above")]
            file.flush()
            return check_canary(url, Path(file.name), self._region)


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
    gate = _Gate(settings, wish)
    shipping = [Check(ENDPOINT, gate.logs)] if settings.cloudwatch.enabled else []
    return [
        first,
        Check(POLICY, gate.policy),
        Check(CA, gate.ca),
        Check(JOURNAL, partial(check_journal, settings)),
        Check(DNS, gate.names),
        *_private_checks(wish.private, gate.nameservers, settings.dns.timeout_s),
        Check(READY, partial(check_health, settings)),
        *shipping,
        Check(CANARY, gate.canary),
    ]


def _needs_settings(name: str) -> Sequence[Finding]:
    return [unknown(name, "the settings cannot be read", "correct them first")]


def _nameservers(settings: Settings) -> tuple[str, ...]:
    return tuple(
        f"[{one.address}]:{one.port}" if ":" in one.address else f"{one.address}:{one.port}"
        for one in settings.dns.nameservers
    )
