"""Reads what lies at a remote source, when it is another than before.

The normal case: one conditional call says "unchanged", by ETag (S3) or an empty body (AppConfig);
a parameter of Systems Manager comes whole each time, and is compared. Whatever else AWS answers is
one sentence: unreachable, and the policy stays as it is. A sibling with the policy's cases is read where
there is one; a sibling that may not be read counts as none, since S3 says 403 for a key
that is not there to whoever may not list the bucket.

The calls go straight to AWS, never through a proxy of the environment: a gate that asked
through itself could not be repaired by a better policy.
"""

import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3gate.policy.cases import cases_name
from s3gate.policy.source import Remote, Scheme, SourceText, SourceUnreachable

CONNECT_TIMEOUT_S: Final = 2.0  # an endpoint in the region answers within milliseconds
READ_TIMEOUT_S: Final = 5.0  # a policy has some hundred KiB
ATTEMPTS: Final = 2  # in all, of one call; the next look comes by itself
MAX_BYTES: Final = 16 * 1024 * 1024  # of a document: 200,000 rules; a larger object is not a policy
MIN_POLL_S: Final = (
    15  # StartConfigurationSession, API reference: the least RequiredMinimumPollIntervalInSeconds
)
# What stands for "there is none" when a sibling is asked for.
_ABSENT: Final = frozenset(
    {"NoSuchKey", "404", "AccessDenied", "403", "ParameterNotFound", "AccessDeniedException"}
)
_UNCHANGED: Final = 304  # RFC 9110 section 15.4.5

type Client = Callable[[str], "Caller"]
"""Gives a client of boto3 for a service."""


class Caller(Protocol):
    """A client of boto3: its methods come from service models, and have no types."""

    def __getattr__(self, name: str, /) -> Callable[..., dict[str, object]]:
        """A call by its name."""
        ...


class Fetcher:
    """Reads one source again and again.

    Args:
        place: what to read.
        clients: opens what makes clients; again after a failure, since a client without credentials stays so.
        cases: where the policy's cases are, if anywhere; see `find_cases`.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        place: Remote,
        clients: Callable[[], Client],
        cases: Remote | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place, self._clients, self._cases, self._clock = place, clients, cases, clock
        self._client = clients()
        self._token: str | None = None
        self._not_before = 0.0
        self._known: tuple[bytes, ...] | None = None
        self._kept: dict[Remote, tuple[bytes, str]] = {}

    def look(self) -> SourceText | None:
        """What lies there, or None when that is what was read last.

        Raises:
            SourceUnreachable: it cannot be read.
        """
        try:
            data, version = self._read(self._place)
            cases = self._read_cases()
        except (ClientError, BotoCoreError, OSError) as exc:
            self._token, self._client = None, self._clients()
            raise SourceUnreachable(f"{self._place} cannot be read: {_explain(exc)}") from exc
        # the bytes, not the word for them: a parameter that was deleted and made anew is version 1 again
        now = tuple(sha256(one).digest() for one in (data, *(cases[:1] if cases is not None else ())))
        if now == self._known:
            return None
        self._known = now
        return SourceText(data, version, cases[0] if cases is not None else None)

    def _read_cases(self) -> tuple[bytes, str] | None:
        place = self._cases
        if place is None:
            return None
        try:
            return self._read(place)
        except ClientError as exc:
            if _code(exc) in _ABSENT:
                self._kept.pop(place, None)
                return None
            raise

    def _read(self, place: Remote) -> tuple[bytes, str]:
        """The bytes and their version; what is unchanged is what was kept."""
        kept = self._kept.get(place)
        read = self._ask(place, kept[1] if kept is not None else None)
        if read is not None:
            self._kept[place] = read
            return read
        if kept is None:
            raise SourceUnreachable(f"{place} is empty; deploy a policy there")
        return kept

    def _ask(self, place: Remote, known: str | None) -> tuple[bytes, str] | None:
        """The bytes and their version, or None when that is the known one."""
        match place.scheme:
            case Scheme.S3:
                return self._object(place, known)
            case Scheme.SSM:
                return self._parameter(place)
            case Scheme.APPCONFIG:
                return self._profile(place)
            case Scheme.SECRETSMANAGER:
                return self._secret(place, known)

    def _object(self, place: Remote, known: str | None) -> tuple[bytes, str] | None:
        bucket, key = place.parts
        etag = None if known is None else known.partition(" ")[0]
        condition = {} if etag is None else {"IfNoneMatch": etag}
        try:
            answer = self._client("s3").get_object(Bucket=bucket, Key=key, **condition)
        except ClientError as exc:
            if exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _UNCHANGED:
                return None
            raise
        version = answer.get("VersionId")
        told = str(answer["ETag"]) + (f" version {version}" if version else "")
        return _body(place, answer["Body"]), told

    def _parameter(self, place: Remote) -> tuple[bytes, str]:
        answer = self._client("ssm").get_parameter(Name=place.parts[0], WithDecryption=True)
        parameter = answer["Parameter"]
        if not isinstance(parameter, Mapping):
            raise SourceUnreachable(f"{place} is no parameter")
        return str(parameter["Value"]).encode(), f"version {parameter['Version']}"

    def _profile(self, place: Remote) -> tuple[bytes, str] | None:
        client = self._client("appconfigdata")
        if self._token is None or self._clock() < self._not_before:
            # A token serves once, and not before its time: a new session tells the whole configuration.
            application, environment, profile = place.parts
            begun = client.start_configuration_session(
                ApplicationIdentifier=application,
                EnvironmentIdentifier=environment,
                ConfigurationProfileIdentifier=profile,
                RequiredMinimumPollIntervalInSeconds=MIN_POLL_S,
            )
            self._token = str(begun["InitialConfigurationToken"])
        token, self._token = self._token, None
        answer = client.get_latest_configuration(ConfigurationToken=token)
        self._token = str(answer["NextPollConfigurationToken"])
        self._not_before = self._clock() + float(str(answer["NextPollIntervalInSeconds"]))
        data = _body(place, answer["Configuration"])
        if not data:  # unchanged since this session's last answer; never an empty policy
            return None
        label = answer.get("VersionLabel")
        return data, f"version {label}" if label else "sha256:" + sha256(data).hexdigest()

    def _secret(self, place: Remote, known: str | None) -> tuple[bytes, str] | None:
        answer = self._client("secretsmanager").get_secret_value(SecretId=place.parts[0])
        told = f"version {answer['VersionId']}"
        if told == known:
            return None
        binary = answer.get("SecretBinary")
        return (binary if isinstance(binary, bytes) else str(answer["SecretString"]).encode()), told


def find_cases(place: Remote) -> Remote | None:
    """The sibling that holds a policy's cases; None where there can be none."""
    if place.scheme is Scheme.S3:
        return Remote(place.scheme, (place.parts[0], cases_name(place.parts[1])))
    return Remote(place.scheme, (cases_name(place.parts[0]),)) if place.scheme is Scheme.SSM else None


def open_clients(region: str | None) -> Client:
    """Clients that give up soon and use no proxy.

    Args:
        region: AWS region; None: that of the environment or the profile.
    """
    made: dict[str, Caller] = {}
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        proxies={},
    )

    def client(service: str) -> Caller:
        if service not in made:
            session = boto3.session.Session()
            where = session.region_name or region
            made[service] = session.client(service, region_name=where, config=config)
        return made[service]

    return client


def _body(place: Remote, stream: object) -> bytes:
    read = getattr(stream, "read", None)
    data: object = read(MAX_BYTES + 1) if callable(read) else b""
    if not isinstance(data, bytes) or len(data) > MAX_BYTES:
        raise SourceUnreachable(f"{place} has more than {MAX_BYTES} bytes")
    return data


def _code(exc: ClientError) -> str:
    return str(exc.response.get("Error", {}).get("Code", "Unknown"))


def _explain(exc: Exception) -> str:
    """What went wrong, one line, nothing of what was sent."""
    if isinstance(exc, ClientError):
        return f"{exc.operation_name} answers {_code(exc)}"
    return type(exc).__name__
