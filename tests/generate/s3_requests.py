"""Real S3 requests: botocore builds and signs each, and is stopped before it sends.

`Requests` keeps one client a configuration; `sent` gives the head exactly as it would
have gone out, `presigned` the head of the URL that a presigner returns.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final  # Any: botocore has no types
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

ACCOUNT: Final = "609629065308"
KEY_ID: Final = "ASIAY34FZKBOKMUTVV7A"
SECRET: Final = "invented"
TOKEN: Final = "invented-token"
OTHER_BUCKET: Final = "other-bucket"

_KEY_MD5: Final = "MDEyMzQ1Njc4OWFiY2RlZg=="


class StoppedError(Exception):
    """Raised where botocore would open a connection."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A head on its way out."""

    method: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...]


class Requests:
    """Builds requests with cached clients."""

    def __init__(self) -> None:
        self._session = botocore.session.Session()
        self._session.set_credentials(KEY_ID, SECRET, TOKEN)
        self._caught: list[Sent] = []
        self._signed: dict[str, str] = {}
        self._wants_session = False
        self.client = cache(self._client)

    @property
    def model(self) -> Any:
        """The S3 service model."""
        return self.client("us-east-1", "virtual").meta.service_model

    def _client(
        self, region: str, style: str, signature: str | None = None, url: str | None = None, **options: bool
    ) -> Any:
        fips = options.pop("use_fips_endpoint", False)
        config = Config(
            use_fips_endpoint=fips,
            signature_version=signature,
            s3={"addressing_style": style, **options},
            retries={"total_max_attempts": 1},
            parameter_validation=False,
        )
        client = self._session.create_client("s3", region_name=region, endpoint_url=url, config=config)
        client.meta.events.register("before-send.s3", self._catch)
        client.meta.events.register("before-sign.s3", self._remember)
        return client

    def _catch(self, request: Any, **_: object) -> AWSResponse | None:
        if "?session" in request.url and not self._wants_session:
            return _session(request.url)
        # The HTTP layer adds the Host header just before the wire.

        headers = tuple((name, _text(value)) for name, value in request.headers.items())
        self._caught.append(_split(request.method, request.url, headers))
        raise StoppedError

    def _remember(self, request: Any, **_: object) -> None:
        self._signed = {name.lower(): _text(value) for name, value in request.headers.items()}

    def sent(self, client: Any, operation: str, parameters: dict[str, Any]) -> Sent:
        """The request that this call would send."""
        self._caught.clear()
        self._wants_session = operation == "CreateSession"

        try:
            client._make_api_call(operation, parameters)
        except StoppedError:
            return self._caught[0]
        raise AssertionError(f"{operation} was not sent")

    def presigned(self, client: Any, operation: str, parameters: dict[str, Any]) -> Sent:
        """The request of this call's presigned URL: who uses it sends the headers that it signs, and any body."""
        shape = self.model.operation_model(operation).input_shape
        places = (
            {name: member.serialization.get("location") for name, member in shape.members.items()}
            if shape
            else {}
        )
        parameters = {name: value for name, value in parameters.items() if places.get(name)}
        methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        url = client.generate_presigned_url(methods[operation], Params=parameters, ExpiresIn=600)
        bare = _split(self.model.operation_model(operation).http["method"], url, ())
        names = dict(parse_qsl(urlsplit(url).query)).get("X-Amz-SignedHeaders", "host").split(";")
        headers = tuple((name, self._signed[name]) for name in names if name != "host")
        return Sent(bare.method, bare.host, bare.target, (*bare.headers, *headers))

    def parameters(self, operation: str, bucket: str, key: str, *, full: bool) -> dict[str, Any]:
        """Arguments for a call: the required ones, or with `full` every header and query member too."""
        shape = self.model.operation_model(operation).input_shape
        made: dict[str, Any] = {}
        for name, member in shape.members.items() if shape else ():
            place = member.serialization.get("location")
            if name in shape.required_members or (full and place in {"header", "querystring"}):
                made[name] = _value(name, member)
        if full and "Metadata" in (shape.members if shape else {}):
            made["Metadata"] = {"my_note": "x"}
        fixed = {"Bucket": bucket, "Key": key, "CopySource": {"Bucket": OTHER_BUCKET, "Key": key}}
        made |= {name: value for name, value in fixed.items() if shape and name in shape.members}
        # A body's own length and digest are botocore's to write.
        for name in ("ContentLength", "ContentMD5", "ChecksumAlgorithm", "WriteOffsetBytes"):
            made.pop(name, None)
        return {
            name: value
            for name, value in made.items()
            if not name.startswith("Checksum") or name[8:] == "Mode"
        }


def _split(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> Sent:
    host, slash, rest = url.removeprefix("https://").partition("/")
    if not slash:
        host, _, rest = host.partition("?")
        rest = f"?{rest}" if rest else ""
    return Sent(method, host, f"/{rest}", (("Host", host), *headers))


def _session(url: str) -> AWSResponse:
    """What S3 Express answers to CreateSession."""
    fields = {
        "SessionToken": TOKEN,
        "SecretAccessKey": SECRET,
        "AccessKeyId": KEY_ID,
        "Expiration": "2099-01-01T00:00:00Z",
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    response = AWSResponse(url, 200, {}, None)
    response._content = (
        f"<CreateSessionResult><Credentials>{inner}</Credentials></CreateSessionResult>".encode()
    )
    return response


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _value(name: str, shape: Any) -> Any:
    """A small valid value of a model shape."""
    if name.endswith("SSECustomerKey"):
        return "0123456789abcdef0123456789abcdef"
    if name.endswith("KeyMD5"):
        return _KEY_MD5
    if shape.type_name == "structure":
        return {inner: _value(inner, shape.members[inner]) for inner in shape.required_members}
    if shape.type_name == "list":
        return [_value(name, shape.member)]
    if shape.type_name == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "text"
    made: dict[str, Any] = {
        "boolean": True,
        "timestamp": datetime(2030, 1, 1, tzinfo=UTC),
        "blob": b"body",
        "map": {},
    }
    return made.get(shape.type_name, 1)
