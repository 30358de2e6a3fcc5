"""The policy of the CloudWatch Logs endpoint: s3gate's own log group and nothing else.

The normal case: the group and the region of the settings, in the account that was named.
With the default policy, which allows everything, whoever has keys of any account could write
out whatever he likes through that endpoint, past the gate.
"""

from typing import Final

from s3gate.aws.export.grant import Grant

ACTIONS: Final = frozenset(
    {
        "logs:CreateLogStream",  # the shipper: one stream for each writer
        "logs:DescribeMetricFilters",  # audit selftest
        "logs:FilterLogEvents",  # audit verify, report, tail, selftest
        "logs:PutLogEvents",  # the shipper
    }
)
"""What s3gate asks of CloudWatch Logs; the group itself is made by whoever deploys."""


def logs_grants(partition: str, region: str, account: str, log_group: str) -> tuple[Grant, ...]:
    """What s3gate needs of one log group.

    Args:
        partition: partition id of the region.
        region: of the group.
        account: twelve digits; the group's, whose keys alone may be used.
        log_group: its name.
    """
    group = f"arn:{partition}:logs:{region}:{account}:log-group:{log_group}"
    own = frozenset({("StringEquals", "aws:PrincipalAccount", (account,))})
    return (Grant(ACTIONS, (group, f"{group}:*"), own),)
