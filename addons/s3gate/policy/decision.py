"""Every reason there is, and the value a verdict is.

A Decision says what was decided, why, by which rule, and what could be read of
the request. Codes are spelled here once and appear verbatim in the answer, the
record, the metric, the cases file and the documentation.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, NoReturn

from s3gate.policy.reading import Reading


@unique
class Reason(StrEnum):
    """Why a request was allowed or refused: a closed list."""

    ALLOWED_BY_RULE = "ALLOWED_BY_RULE"
    ALLOWED_HOST = "ALLOWED_HOST"
    ALLOWED_PRESET = "ALLOWED_PRESET"
    MONITOR_ONLY = "MONITOR_ONLY"
    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    MALFORMED_HOST = "MALFORMED_HOST"
    AMBIGUOUS_TARGET = "AMBIGUOUS_TARGET"
    IP_LITERAL = "IP_LITERAL"
    PORT_NOT_ALLOWED = "PORT_NOT_ALLOWED"
    HOST_NOT_LISTED = "HOST_NOT_LISTED"
    NOT_TLS = "NOT_TLS"
    SNI_MISSING = "SNI_MISSING"
    SNI_MISMATCH = "SNI_MISMATCH"
    HOST_MISMATCH = "HOST_MISMATCH"
    PLAIN_HTTP = "PLAIN_HTTP"
    PROTOCOL_UPGRADE = "PROTOCOL_UPGRADE"
    ENDPOINT_NOT_ALLOWED = "ENDPOINT_NOT_ALLOWED"
    REGION_NOT_ALLOWED = "REGION_NOT_ALLOWED"
    PATH_STYLE_NOT_ALLOWED = "PATH_STYLE_NOT_ALLOWED"
    BUCKET_NOT_LISTED = "BUCKET_NOT_LISTED"
    NO_BUCKET = "NO_BUCKET"
    OPERATION_NOT_ALLOWED = "OPERATION_NOT_ALLOWED"
    UNKNOWN_OPERATION = "UNKNOWN_OPERATION"
    KEY_NOT_ALLOWED = "KEY_NOT_ALLOWED"
    COPY_SOURCE_NOT_LISTED = "COPY_SOURCE_NOT_LISTED"
    BUCKET_OWNER_NOT_PROVEN = "BUCKET_OWNER_NOT_PROVEN"
    ENCRYPTION_NOT_ALLOWED = "ENCRYPTION_NOT_ALLOWED"
    CLIENT_NOT_ALLOWED = "CLIENT_NOT_ALLOWED"
    ACCOUNT_NOT_ALLOWED = "ACCOUNT_NOT_ALLOWED"
    UNSIGNED_REQUEST = "UNSIGNED_REQUEST"
    SIGNATURE_VERSION = "SIGNATURE_VERSION"
    CREDENTIAL_SCOPE_MISMATCH = "CREDENTIAL_SCOPE_MISMATCH"
    PROXY_AUTH_REQUIRED = "PROXY_AUTH_REQUIRED"
    CREDENTIAL_EXPIRED = "CREDENTIAL_EXPIRED"
    SERVICE_NOT_S3 = "SERVICE_NOT_S3"
    PROXY_HEADER_INVALID = "PROXY_HEADER_INVALID"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    TIMEOUT = "TIMEOUT"
    DRAINING = "DRAINING"
    DNS_FAILURE = "DNS_FAILURE"
    UPSTREAM_ADDRESS_NOT_ALLOWED = "UPSTREAM_ADDRESS_NOT_ALLOWED"
    UPSTREAM_UNREACHABLE = "UPSTREAM_UNREACHABLE"
    UPSTREAM_TLS_FAILURE = "UPSTREAM_TLS_FAILURE"
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    POLICY_UNAVAILABLE = "POLICY_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


ALLOWING: Final = frozenset(
    {Reason.ALLOWED_BY_RULE, Reason.ALLOWED_HOST, Reason.ALLOWED_PRESET, Reason.MONITOR_ONLY}
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict as a value; whether it allows is derived from its reason.

    Args:
        reason: the code; only those of `ALLOWING` allow.
        detail: one lower-case sentence for the person who is refused; it never
            names what else is on the list and never holds a secret.
        reading: what could be read of the request, also on a denial.
        rule: id of the rule that decided, or None.
        would_deny: with MONITOR_ONLY, the reason that enforcement would give.
        policy: digest of the policy that judged, `sha256:…`; empty when none was loaded.
    """

    reason: Reason
    detail: str
    reading: Reading
    rule: str | None = None
    would_deny: Reason | None = None
    policy: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.reason in ALLOWING

    @property
    def word(self) -> str:
        """`allow` or `deny`, as it appears in records and answers."""
        return "allow" if self.allowed else "deny"

    def __bool__(self) -> NoReturn:
        """A decision is never a truth value: ask `allowed`."""
        raise TypeError("a Decision has no truth value: ask for .allowed")
