"""Does CloudWatch Logs answer, is the group there, is the clock right? Asked as the shipper asks.

The normal case: the first question is unsigned, so that any machine may ask it; its answer,
also a refusal, shows that the endpoint is reached and what time it is there. The second is
signed, and finds the log group.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from s3gate.doctor.bounded import STEP_S
from s3gate.doctor.finding import Finding, fine, unknown, wrong
from s3gate.doctor.trust import CLOCK, judge_clock

ENDPOINT: Final = "CloudWatch Logs answers"
GROUP: Final = "log group"
ASKED: Final = "logs:DescribeLogGroups"
# What AWS says to credentials that do not authenticate, whatever they may do (API reference, common errors).
NOT_AUTHENTICATED: Final = frozenset(
    {
        "ExpiredTokenException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    }
)


def check_logs(region: str, endpoint_url: str | None, group: str | None) -> Sequence[Finding]:
    """Ask CloudWatch Logs.

    Args:
        region: AWS region.
        endpoint_url: another endpoint than the region's, or None.
        group: that must exist, or None to leave that out.
    """
    try:
        client = _client(region, endpoint_url, signature_version=UNSIGNED)
        where = str(client.meta.endpoint_url)
    except (BotoCoreError, ValueError) as exc:
        return [wrong(ENDPOINT, _one_line(exc), "correct `cloudwatch.region` and `cloudwatch.endpoint_url`")]
    try:
        headers = _headers(client.describe_log_groups(limit=1))
    except ClientError as exc:
        headers = _headers(exc.response)
    except BotoCoreError as exc:
        then = (
            "look at its interface endpoint, security groups and routes; behind a gate, list it under `hosts`"
        )
        found = [wrong(ENDPOINT, f"{where}: {_one_line(exc)}", then)]
        return found if group is None else [*found, unknown(GROUP, "the endpoint does not answer", then)]
    if "x-s3gate-decision" in headers:
        then = "list it under `hosts` of the policy, or exempt it in NO_PROXY where it has an endpoint"
        return [wrong(ENDPOINT, f"{where}: the gate refuses it ({headers.get('x-s3gate-reason')})", then)]
    answers = [fine(ENDPOINT, where), _check_date(headers.get("date"), datetime.now(UTC))]
    return answers if group is None else [*answers, _check_group(region, endpoint_url, group)]


def _check_date(date: str | None, now: datetime) -> Finding:
    try:
        theirs = parsedate_to_datetime(date or "").astimezone(UTC)
    except ValueError:
        return unknown(CLOCK, "CloudWatch's answer has no Date", "look at what answers there")
    return judge_clock(theirs - now, "CloudWatch's")


def _check_group(region: str, endpoint_url: str | None, group: str) -> Finding:
    try:
        answer = _client(region, endpoint_url).describe_log_groups(logGroupNamePrefix=group)
    except NoCredentialsError:
        return wrong(GROUP, "there are no AWS credentials", "give the instance a role")
    except ClientError as exc:
        return _group_refused(str(exc.response.get("Error", {}).get("Code", "Unknown")))
    except BotoCoreError as exc:
        return unknown(GROUP, _one_line(exc), "look at the endpoint and the credentials")
    if any(one.get("logGroupName") == group for one in answer.get("logGroups", ())):
        return fine(GROUP, f"{group} exists")
    return wrong(
        GROUP, f"there is no {group} in {region}", f"aws logs create-log-group --log-group-name {group}"
    )


def _group_refused(code: str) -> Finding:
    if code in NOT_AUTHENTICATED:
        return wrong(GROUP, f"AWS does not know the credentials: {code}", "renew them, or look at the clock")
    return unknown(GROUP, f"AWS answered {code} to {ASKED}", f"allow {ASKED} to whoever runs this")


def _client(region: str, endpoint_url: str | None, **more: object) -> Any:
    config = Config(
        connect_timeout=STEP_S,
        read_timeout=STEP_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        **more,
    )
    session = boto3.session.Session()
    return session.client("logs", region_name=region, endpoint_url=endpoint_url, config=config)


def _headers(answer: Any) -> dict[str, str]:
    """Header fields of an answer, names in lower case, as botocore keeps them."""
    found = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return {str(name).lower(): str(value) for name, value in found.items()}


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())
