"""Where a policy, or a CA, comes from when it is no file: the spelling of the place, and what lay there.

The normal case: `s3://bucket/key`, `ssm://parameter`, `appconfig://application/environment/profile`
or `secretsmanager://secret`. What lay there is bytes and the word by which the source tells
that they changed: an ETag, a version, a file's digest. Nothing is read here.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from s3gate.policy.mistake import Misspelling, quote
from s3gate.s3.bucket import is_bucket_name


class Scheme(StrEnum):
    """The services that can hold a document of the gate."""

    S3 = "s3"
    SSM = "ssm"
    APPCONFIG = "appconfig"
    SECRETSMANAGER = "secretsmanager"


POLICY_SCHEMES: Final = (Scheme.S3, Scheme.SSM, Scheme.APPCONFIG)
CA_SCHEMES: Final = (Scheme.SSM, Scheme.SECRETSMANAGER)

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
# Object keys, printable and short enough (S3 User Guide, "Naming Amazon S3 objects": 1,024 bytes of UTF-8).
_KEY: Final = re.compile(r"[A-Za-z0-9!_.*'()/-]{1,1024}", re.ASCII)
# PutParameter, API reference: letters, digits, `.-_`, a hierarchy by `/`; a selector (`:3`) would pin it.
_PARAMETER: Final = re.compile(r"/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*", re.ASCII)
MAX_PARAMETER_CHARS: Final = 1011  # the same, for a name that is no ARN
# CreateApplication, CreateEnvironment, CreateConfigurationProfile, API reference: 1 to 128; or the id of one.
_PART: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
# CreateSecret, API reference, Name: `/_+=.@-`, 512 characters.
_SECRET: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Remote:
    """A place in AWS.

    Args:
        scheme: the service.
        parts: bucket and key; the parameter; application, environment and profile; the secret.
    """

    scheme: Scheme
    parts: tuple[str, ...]

    def __str__(self) -> str:
        """As the settings spell it."""
        return f"{self.scheme}://{'/'.join(self.parts)}"


@dataclass(frozen=True, slots=True)
class SourceText:
    """What lay at a source.

    Args:
        data: the bytes of the policy.
        version: the source's own word for what was read; no secret.
        cases: the bytes of the cases beside it, or None.
    """

    data: bytes
    version: str
    cases: bytes | None = None


class SourceUnreachable(Exception):
    """A source cannot be read now; the message is one lower-case line."""


def parse_remote(text: str, schemes: tuple[Scheme, ...]) -> Remote | None:
    """The place that a setting names, or None when it is a path.

    Args:
        text: as written.
        schemes: those that can hold what is asked for.

    Raises:
        Misspelling: it is neither.
    """
    found = _SCHEME.fullmatch(text)
    if found is None:
        return None
    known = next((one for one in schemes if one.value == found["scheme"]), None)
    if known is None:
        listed = ", ".join(["a path", *(f"`{one}://…`" for one in schemes)])
        raise Misspelling(f"source {quote(found['scheme'] + '://')} cannot hold this", f"write {listed}")
    return Remote(known, _READERS[known](found["rest"]))


def _object(rest: str) -> tuple[str, ...]:
    bucket, _, key = rest.partition("/")
    if not is_bucket_name(bucket) or not _KEY.fullmatch(key):
        raise Misspelling(
            f"{quote('s3://' + rest)} names no object", "write it like `s3://bucket/path/policy.yaml`"
        )
    return bucket, key


def _parameter(rest: str) -> tuple[str, ...]:
    if not _PARAMETER.fullmatch(rest) or len(rest) > MAX_PARAMETER_CHARS:
        raise Misspelling(
            f"{quote('ssm://' + rest)} names no parameter",
            "write it like `ssm:///s3gate/policy`, without a version",
        )
    return (rest,)


def _profile(rest: str) -> tuple[str, ...]:
    parts = tuple(rest.split("/"))
    if len(parts) != 3 or not all(map(_PART.fullmatch, parts)):
        raise Misspelling(
            f"{quote('appconfig://' + rest)} names no configuration profile",
            "write it like `appconfig://application/environment/profile`, names or ids",
        )
    return parts


def _secret(rest: str) -> tuple[str, ...]:
    if not _SECRET.fullmatch(rest):
        raise Misspelling(
            f"{quote('secretsmanager://' + rest)} names no secret",
            "write it like `secretsmanager://s3gate/ca`",
        )
    return (rest,)


_READERS: Final = {
    Scheme.S3: _object,
    Scheme.SSM: _parameter,
    Scheme.APPCONFIG: _profile,
    Scheme.SECRETSMANAGER: _secret,
}
