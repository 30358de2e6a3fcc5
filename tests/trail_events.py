"""CloudTrail's events of S3, as the AWS documentation shows them, and ways to change one.

Source: S3 user guide, "Example: CloudTrail log file entries for Amazon S3"; CloudTrail user
guide, "CloudTrail record contents" and "network activity events".
"""

import gzip
import json
from copy import deepcopy
from pathlib import Path

BUCKET = "example-uploads"
ENDPOINT = "vpce-0123456789abcdef0"
DATA = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:batch",
        "arn": "arn:aws:sts::111122223333:assumed-role/batch/i-1",
        "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE",
    },
    "eventTime": "2026-11-22T08:30:05Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutObject",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "10.20.1.7",
    "userAgent": "[aws-cli/2]",
    "requestParameters": {"bucketName": BUCKET, "Host": f"{BUCKET}.s3.eu-west-1.amazonaws.com", "key": "a"},
    "responseElements": None,
    "additionalEventData": {"SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader"},
    "requestID": "R1",
    "eventID": "e-1",
    "readOnly": False,
    "resources": [
        {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{BUCKET}/a"},
        {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{BUCKET}"},
    ],
    "eventType": "AwsApiCall",
    "managementEvent": False,
    "recipientAccountId": "111122223333",
    "vpcEndpointId": ENDPOINT,
    "vpcEndpointAccountId": "111122223333",
    "eventCategory": "Data",
}


def event(**changes: object) -> dict[str, object]:
    """A data event with other fields; a field with the value `...` is left out."""
    made = deepcopy(DATA) | changes
    return {name: value for name, value in made.items() if value is not ...}


def around(**changes: object) -> dict[str, object]:
    """The same, over the internet."""
    fields = {
        "vpcEndpointId": ...,
        "vpcEndpointAccountId": ...,
        "sourceIPAddress": "52.95.1.1",
        "requestID": "X9",
    }
    return event(**(fields | {"eventID": "e-9"} | changes))


def numbered(count: int, start: int = 1) -> list[dict[str, object]]:
    """So many events with request ids R1, R2, …."""
    return [event(requestID=f"R{one}", eventID=f"e-{one}") for one in range(start, start + count)]


def write_log(path: Path, events: list[dict[str, object]]) -> Path:
    """A log file as a trail writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps({"Records": events}).encode()))
    return path


def write_lookup(path: Path, events: list[dict[str, object]]) -> Path:
    """What `aws cloudtrail lookup-events` prints."""
    answer = {"Events": [{"EventId": one["eventID"], "CloudTrailEvent": json.dumps(one)} for one in events]}
    path.write_text(json.dumps(answer, indent=4))
    return path
