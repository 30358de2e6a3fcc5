"""A decision as the Open Cybersecurity Schema Framework has it: HTTP Activity, class 4002. Pure.

Source: schema.ocsf.io, version 1.3.0, class http_activity with the profile security_control.
The mapping is one record to one event; what OCSF has no place for stands under `unmapped`,
so that nothing is lost on the way. Completions, heartbeats and the other notices are no
HTTP activity and give None.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

VERSION: Final = "1.3.0"
CLASS_UID: Final = 4002
CATEGORY_UID: Final = 4  # Network Activity
# activity_id of http_activity; 99 is Other.
ACTIVITIES: Final = MappingProxyType(
    {"CONNECT": 1, "DELETE": 2, "GET": 3, "HEAD": 4, "OPTIONS": 5, "POST": 6, "PUT": 7, "TRACE": 8}
)
OTHER: Final = 99
UNMAPPED: Final = ("bucket", "key", "key_form", "style", "endpoint_class", "region", "copy_source", "sni")
ALLOWED, DENIED = 1, 2  # action_id; the disposition_id has the same two: Allowed, Blocked
INFORMATIONAL, MEDIUM, HIGH = 1, 3, 4  # severity_id
SUCCESS, FAILURE = 1, 2  # status_id


def render_ocsf(record: Mapping[str, object], *, severe: bool = False) -> dict[str, object] | None:
    """One `egress` record as an OCSF event.

    Args:
        record: of schema version 1.
        severe: whether a refusal is of those that somebody tried to slip past with.

    Returns:
        The event, or None for a record that is no decision.
    """
    if record.get("event") != "egress":
        return None
    client, request, identity = (_part(record, name) for name in ("client", "request", "identity"))
    denied = record.get("decision") == "deny"
    method = str(request.get("method"))
    activity = ACTIVITIES.get(method, OTHER)
    severity = INFORMATIONAL if not denied else HIGH if severe else MEDIUM
    event: dict[str, object] = {
        "class_uid": CLASS_UID,
        "category_uid": CATEGORY_UID,
        "activity_id": activity,
        "type_uid": CLASS_UID * 100 + activity,
        "time": _milliseconds(record.get("time")),
        "severity_id": severity,
        "status_id": FAILURE if denied else SUCCESS,
        "status_code": record.get("reason"),
        "status_detail": request.get("detail"),
        "action_id": DENIED if denied else ALLOWED,
        "disposition_id": DENIED if denied else ALLOWED,
        "metadata": {
            "version": VERSION,
            "profiles": ["security_control"],
            "uid": record.get("audit_id"),
            "correlation_uid": record.get("decision_id"),
            "sequence": record.get("seq"),
            "log_provider": record.get("writer"),
            "product": {"name": "s3gate", "vendor_name": "s3gate"},
        },
        "src_endpoint": {"ip": client.get("address"), "port": client.get("port")},
        "dst_endpoint": {"hostname": request.get("host") or request.get("connect") or "unknown"},
        "http_request": {
            "http_method": method,
            "version": request.get("http_version"),
            "user_agent": request.get("user_agent"),
            "url": {
                "scheme": request.get("scheme"),
                "hostname": request.get("host"),
                "path": str(request.get("target")).partition("?")[0],
                "query_string": str(request.get("target")).partition("?")[2] or None,
                "resource_type": request.get("operation"),
            },
        },
        "firewall_rule": {"uid": record.get("rule"), "version": record.get("policy")},
        "actor": {
            "user": {
                "name": client.get("user"),
                "credential_uid": identity.get("access_key_id"),
                "account": {"uid": identity.get("account")},
            }
        },
        "unmapped": {
            name: request.get(name)
            for name in UNMAPPED
        }
        | {"vpc_endpoint": client.get("vpc_endpoint"), "would_deny": record.get("would_deny"),
           "upstream": record.get("upstream"), "prev": record.get("prev"), "hash": record.get("hash")},
    }  # fmt: skip
    if activity == OTHER:
        event["activity_name"] = method
    cleaned = _without_null(event)
    return cleaned if isinstance(cleaned, dict) else None


def _milliseconds(time: object) -> int | None:
    """Since 1970; None of what is no time: the line was not verified, anybody may have written it."""
    try:
        return round(datetime.fromisoformat(str(time)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _part(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _without_null(value: object) -> object:
    """OCSF leaves out what is not known: null and empty objects go."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(one) for key, one in value.items()}
    return {key: one for key, one in kept.items() if one is not None and one != {}}
