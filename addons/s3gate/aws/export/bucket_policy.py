"""The statement of a bucket's own policy: nobody but through our endpoints.

The normal case is a Deny unless `aws:SourceVpce` is one of the ids. For the cut-over there are two
steps: endpoint *or* source address, and when nothing comes from the addresses any more,
endpoint alone.

1. `aws:SourceVpce` is absent over the internet, and a negated operator holds for what is absent:
   such requests are denied. `aws:SourceIp` is absent through an endpoint (AWS PrivateLink
   guide, gateway endpoints for S3), so the two conditions do not meet.
2. AWS services that come as themselves (log delivery, inventory reports) or with a user's rights
   (forward access sessions, as of Athena) come through no endpoint: both are exempt, as in AWS's
   data perimeter examples. A role that a service assumes (replication) is neither. Anonymous
   requests have neither key: `BoolIfExists`, for a plain `Bool` would let them slip.
3. It denies, it allows nothing: it stands beside the statements that a bucket has.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from s3gate.aws.export.document import Document, conditions_block, document
from s3gate.aws.export.grant import Condition


@dataclass(frozen=True, slots=True)
class Way:
    """How one may come.

    Args:
        endpoints: ids of VPC endpoints, gateway and interface; at least one.
        addresses: public networks that may come over the internet; none after the cut-over.
        principals: ARNs that may come from anywhere, such as the role that deploys this.
    """

    endpoints: Sequence[str]
    addresses: Sequence[str] = ()
    principals: Sequence[str] = ()


def bucket_document(partition: str, bucket: str, way: Way) -> Document:
    """The policy of one general purpose bucket.

    Args:
        partition: partition id.
        bucket: its name.
        way: how one may come.
    """
    arn = f"arn:{partition}:s3:::{bucket}"
    return document(
        [
            {
                "Sid": "S3gateOnlyThroughItsEndpoints",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": conditions_block(_conditions(way)),
            }
        ]
    )


def _conditions(way: Way) -> list[Condition]:
    found: list[Condition] = [
        ("StringNotEquals", "aws:SourceVpce", tuple(way.endpoints)),
        ("BoolIfExists", "aws:PrincipalIsAWSService", ("false",)),
        ("BoolIfExists", "aws:ViaAWSService", ("false",)),
    ]
    if way.addresses:
        found.append(("NotIpAddress", "aws:SourceIp", tuple(way.addresses)))
    if way.principals:
        found.append(("ArnNotEquals", "aws:PrincipalArn", tuple(way.principals)))
    return found
