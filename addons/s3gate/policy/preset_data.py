"""The buckets of AWS's own services that an instance reads: reviewed rows, each written out, with its source.

A row: exact region, exact bucket. No name is put together from a pattern, and there is no row for a region
that nobody has shown: a bucket name that AWS has not registered may be registered by anybody. What the rows
of a family share stands above them, in the order of `Family`.

Left out on purpose: presets that write (answers to CloudFormation are presigned PUTs: a way out); buckets of
China and GovCloud (their own pages were not read); `aws-codeploy-ap-southeast-5`, `-6` and `-7`, which the
table of CodeDeploy spells without `de`: a slip of the page or a name, nobody could tell.
"""

from typing import Final, NamedTuple


class Family(NamedTuple):
    """Rows of one preset that differ in region and bucket alone.

    Args:
        preset: name, as the policy's `presets:` writes it.
        operations: S3 operation names, separated by blanks.
        signing: `anonymous`: clients may ask unsigned; `presigned`: with a URL signed by an account of AWS.
        asked: how the clients spell the bucket: `virtual`, `path` (path-style), `dualstack` (such names).
        certainty: `table`: AWS prints this very name; `rule`: AWS prints the pattern for every region that
            the service supports; `seen`: AWS prints the pattern for "your region", and this very name was
            found in published configurations or logs.
        source: where AWS says so.
        seen: the day on which the source was read.
        rows: (region, bucket), all in partition `aws`.
    """

    preset: str
    operations: str
    signing: str
    asked: str
    certainty: str
    source: str
    seen: str
    rows: tuple[tuple[str, str], ...]


# "an AWS Region supported by AWS Systems Manager": the regions here are those of PATCH_TABLE.
SSM_BUCKETS: Final = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html"
    "#ssm-agent-minimum-s3-permissions"
)
PATCH_TABLE: Final = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-operations-s3-buckets.html"
)
# "an AWS Region supported by Amazon ECR": the regions here are those of PATCH_TABLE, which all have it.
ECR_BUCKETS: Final = (
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms"
)
CODEDEPLOY_TABLE: Final = "https://docs.aws.amazon.com/codedeploy/latest/userguide/resource-kit.html"
CLOUDWATCH_AGENT: Final = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
    "download-cloudwatch-agent-commandline.html"
)
# The table of AWS of the buckets that its services own; it says which requests are unauthenticated.
DATA_PERIMETER: Final = (
    "https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md"
)

FAMILIES: Final[tuple[Family, ...]] = (
    Family(
        "ssm-agent",
        "GetObject HeadObject HeadBucket",
        "anonymous",
        "path",
        "rule",
        SSM_BUCKETS,
        "2026-11-22",
        (
            ("af-south-1", "amazon-ssm-af-south-1"),
            ("ap-east-1", "amazon-ssm-ap-east-1"),
            ("ap-northeast-1", "amazon-ssm-ap-northeast-1"),
            ("ap-northeast-2", "amazon-ssm-ap-northeast-2"),
            ("ap-northeast-3", "amazon-ssm-ap-northeast-3"),
            ("ap-south-1", "amazon-ssm-ap-south-1"),
            ("ap-south-2", "amazon-ssm-ap-south-2"),
            ("ap-southeast-1", "amazon-ssm-ap-southeast-1"),
            ("ap-southeast-2", "amazon-ssm-ap-southeast-2"),
            ("ap-southeast-3", "amazon-ssm-ap-southeast-3"),
            ("ap-southeast-4", "amazon-ssm-ap-southeast-4"),
            ("ca-central-1", "amazon-ssm-ca-central-1"),
            ("ca-west-1", "amazon-ssm-ca-west-1"),
            ("eu-central-1", "amazon-ssm-eu-central-1"),
            ("eu-central-2", "amazon-ssm-eu-central-2"),
            ("eu-north-1", "amazon-ssm-eu-north-1"),
            ("eu-south-1", "amazon-ssm-eu-south-1"),
            ("eu-south-2", "amazon-ssm-eu-south-2"),
            ("eu-west-1", "amazon-ssm-eu-west-1"),
            ("eu-west-2", "amazon-ssm-eu-west-2"),
            ("eu-west-3", "amazon-ssm-eu-west-3"),
            ("il-central-1", "amazon-ssm-il-central-1"),
            ("me-central-1", "amazon-ssm-me-central-1"),
            ("me-south-1", "amazon-ssm-me-south-1"),
            ("sa-east-1", "amazon-ssm-sa-east-1"),
            ("us-east-1", "amazon-ssm-us-east-1"),
            ("us-east-2", "amazon-ssm-us-east-2"),
            ("us-west-1", "amazon-ssm-us-west-1"),
            ("us-west-2", "amazon-ssm-us-west-2"),
        ),
    ),
    Family(
        "ssm-agent",
        "GetObject HeadObject HeadBucket",
        "anonymous",
        "path",
        "rule",
        SSM_BUCKETS,
        "2026-11-22",
        (
            ("af-south-1", "aws-ssm-af-south-1"),
            ("ap-east-1", "aws-ssm-ap-east-1"),
            ("ap-northeast-1", "aws-ssm-ap-northeast-1"),
            ("ap-northeast-2", "aws-ssm-ap-northeast-2"),
            ("ap-northeast-3", "aws-ssm-ap-northeast-3"),
            ("ap-south-1", "aws-ssm-ap-south-1"),
            ("ap-south-2", "aws-ssm-ap-south-2"),
            ("ap-southeast-1", "aws-ssm-ap-southeast-1"),
            ("ap-southeast-2", "aws-ssm-ap-southeast-2"),
            ("ap-southeast-3", "aws-ssm-ap-southeast-3"),
            ("ap-southeast-4", "aws-ssm-ap-southeast-4"),
            ("ca-central-1", "aws-ssm-ca-central-1"),
            ("ca-west-1", "aws-ssm-ca-west-1"),
            ("eu-central-1", "aws-ssm-eu-central-1"),
            ("eu-central-2", "aws-ssm-eu-central-2"),
            ("eu-north-1", "aws-ssm-eu-north-1"),
            ("eu-south-1", "aws-ssm-eu-south-1"),
            ("eu-south-2", "aws-ssm-eu-south-2"),
            ("eu-west-1", "aws-ssm-eu-west-1"),
            ("eu-west-2", "aws-ssm-eu-west-2"),
            ("eu-west-3", "aws-ssm-eu-west-3"),
            ("il-central-1", "aws-ssm-il-central-1"),
            ("me-central-1", "aws-ssm-me-central-1"),
            ("me-south-1", "aws-ssm-me-south-1"),
            ("sa-east-1", "aws-ssm-sa-east-1"),
            ("us-east-1", "aws-ssm-us-east-1"),
            ("us-east-2", "aws-ssm-us-east-2"),
            ("us-west-1", "aws-ssm-us-west-1"),
            ("us-west-2", "aws-ssm-us-west-2"),
        ),
    ),
    Family(
        "ssm-agent",
        "GetObject HeadObject HeadBucket",
        "anonymous",
        "path",
        "rule",
        SSM_BUCKETS,
        "2026-11-22",
        (
            ("af-south-1", "aws-windows-downloads-af-south-1"),
            ("ap-east-1", "aws-windows-downloads-ap-east-1"),
            ("ap-northeast-1", "aws-windows-downloads-ap-northeast-1"),
            ("ap-northeast-2", "aws-windows-downloads-ap-northeast-2"),
            ("ap-northeast-3", "aws-windows-downloads-ap-northeast-3"),
            ("ap-south-1", "aws-windows-downloads-ap-south-1"),
            ("ap-south-2", "aws-windows-downloads-ap-south-2"),
            ("ap-southeast-1", "aws-windows-downloads-ap-southeast-1"),
            ("ap-southeast-2", "aws-windows-downloads-ap-southeast-2"),
            ("ap-southeast-3", "aws-windows-downloads-ap-southeast-3"),
            ("ap-southeast-4", "aws-windows-downloads-ap-southeast-4"),
            ("ca-central-1", "aws-windows-downloads-ca-central-1"),
            ("ca-west-1", "aws-windows-downloads-ca-west-1"),
            ("eu-central-1", "aws-windows-downloads-eu-central-1"),
            ("eu-central-2", "aws-windows-downloads-eu-central-2"),
            ("eu-north-1", "aws-windows-downloads-eu-north-1"),
            ("eu-south-1", "aws-windows-downloads-eu-south-1"),
            ("eu-south-2", "aws-windows-downloads-eu-south-2"),
            ("eu-west-1", "aws-windows-downloads-eu-west-1"),
            ("eu-west-2", "aws-windows-downloads-eu-west-2"),
            ("eu-west-3", "aws-windows-downloads-eu-west-3"),
            ("il-central-1", "aws-windows-downloads-il-central-1"),
            ("me-central-1", "aws-windows-downloads-me-central-1"),
            ("me-south-1", "aws-windows-downloads-me-south-1"),
            ("sa-east-1", "aws-windows-downloads-sa-east-1"),
            ("us-east-1", "aws-windows-downloads-us-east-1"),
            ("us-east-2", "aws-windows-downloads-us-east-2"),
            ("us-west-1", "aws-windows-downloads-us-west-1"),
            ("us-west-2", "aws-windows-downloads-us-west-2"),
        ),
    ),
    Family(
        "ssm-patch",
        "GetObject HeadObject",
        "anonymous",
        "virtual",
        "table",
        PATCH_TABLE,
        "2026-11-22",
        (
            ("af-south-1", "aws-patch-manager-af-south-1-bdd5f65a9"),
            ("ap-east-1", "aws-patch-manager-ap-east-1-632356271"),
            ("ap-northeast-1", "aws-patch-manager-ap-northeast-1-4849fa78f"),
            ("ap-northeast-2", "aws-patch-manager-ap-northeast-2-10467995c"),
            ("ap-northeast-3", "aws-patch-manager-ap-northeast-3-67373598a"),
            ("ap-south-1", "aws-patch-manager-ap-south-1-cb7c62ff9"),
            ("ap-south-2", "aws-patch-manager-ap-south-2-32f4b4128"),
            ("ap-southeast-1", "aws-patch-manager-ap-southeast-1-7fdfd9ef7"),
            ("ap-southeast-2", "aws-patch-manager-ap-southeast-2-17283a275"),
            ("ap-southeast-3", "aws-patch-manager-ap-southeast-3-aa48fc462"),
            ("ap-southeast-4", "aws-patch-manager-ap-southeast-4-01e2c40d3"),
            ("ca-central-1", "aws-patch-manager-ca-central-1-3148e69e3"),
            ("ca-west-1", "aws-patch-manager-ca-west-1-9e3a4b2f9"),
            ("eu-central-1", "aws-patch-manager-eu-central-1-9163fdaaf"),
            ("eu-central-2", "aws-patch-manager-eu-central-2-184ce43c8"),
            ("eu-north-1", "aws-patch-manager-eu-north-1-795879e9b"),
            ("eu-south-1", "aws-patch-manager-eu-south-1-c52f3f594"),
            ("eu-south-2", "aws-patch-manager-eu-south-2-a4cf248b1"),
            ("eu-west-1", "aws-patch-manager-eu-west-1-5522fb710"),
            ("eu-west-2", "aws-patch-manager-eu-west-2-902a2bc74"),
            ("eu-west-3", "aws-patch-manager-eu-west-3-29bf85721"),
            ("il-central-1", "aws-patch-manager-il-central-1-e221cb57b"),
            ("me-central-1", "aws-patch-manager-me-central-1-2932f2f80"),
            ("me-south-1", "aws-patch-manager-me-south-1-a53fc9dce"),
            ("sa-east-1", "aws-patch-manager-sa-east-1-ddf4b6a09"),
            ("us-east-1", "aws-patch-manager-us-east-1-1970c647d"),
            ("us-east-2", "aws-patch-manager-us-east-2-552881074"),
            ("us-west-1", "aws-patch-manager-us-west-1-8badb4304"),
            ("us-west-2", "aws-patch-manager-us-west-2-34d7f99f8"),
        ),
    ),
    Family(
        "ssm-patch",
        "GetObject HeadObject",
        "anonymous",
        "virtual",
        "table",
        PATCH_TABLE,
        "2026-11-22",
        (
            ("af-south-1", "aws-patchmanager-macos-af-south-1-bdd5f65a9"),
            ("ap-east-1", "aws-patchmanager-macos-ap-east-1-632356271"),
            ("ap-northeast-1", "aws-patchmanager-macos-ap-northeast-1-4849fa78f"),
            ("ap-northeast-2", "aws-patchmanager-macos-ap-northeast-2-10467995c"),
            ("ap-northeast-3", "aws-patchmanager-macos-ap-northeast-3-67373598a"),
            ("ap-south-1", "aws-patchmanager-macos-ap-south-1-cb7c62ff9"),
            ("ap-south-2", "aws-patchmanager-macos-ap-south-2-32f4b4128"),
            ("ap-southeast-1", "aws-patchmanager-macos-ap-southeast-1-7fdfd9ef7"),
            ("ap-southeast-2", "aws-patchmanager-macos-ap-southeast-2-17283a275"),
            ("ap-southeast-3", "aws-patchmanager-macos-ap-southeast-3-aa48fc462"),
            ("ap-southeast-4", "aws-patchmanager-macos-ap-southeast-4-01e2c40d3"),
            ("ca-central-1", "aws-patchmanager-macos-ca-central-1-3148e69e3"),
            ("ca-west-1", "aws-patchmanager-macos-ca-west-1-9e3a4b2f9"),
            ("eu-central-1", "aws-patchmanager-macos-eu-central-1-9163fdaaf"),
            ("eu-central-2", "aws-patchmanager-macos-eu-central-2-184ce43c8"),
            ("eu-north-1", "aws-patchmanager-macos-eu-north-1-795879e9b"),
            ("eu-south-1", "aws-patchmanager-macos-eu-south-1-c52f3f594"),
            ("eu-south-2", "aws-patchmanager-macos-eu-south-2-a4cf248b1"),
            ("eu-west-1", "aws-patchmanager-macos-eu-west-1-5522fb710"),
            ("eu-west-2", "aws-patchmanager-macos-eu-west-2-902a2bc74"),
            ("eu-west-3", "aws-patchmanager-macos-eu-west-3-29bf85721"),
            ("il-central-1", "aws-patchmanager-macos-il-central-1-e221cb57b"),
            ("me-central-1", "aws-patchmanager-macos-me-central-1-2932f2f80"),
            ("me-south-1", "aws-patchmanager-macos-me-south-1-a53fc9dce"),
            ("sa-east-1", "aws-patchmanager-macos-sa-east-1-ddf4b6a09"),
            ("us-east-1", "aws-patchmanager-macos-us-east-1-1970c647d"),
            ("us-east-2", "aws-patchmanager-macos-us-east-2-552881074"),
            ("us-west-1", "aws-patchmanager-macos-us-west-1-8badb4304"),
            ("us-west-2", "aws-patchmanager-macos-us-west-2-34d7f99f8"),
        ),
    ),
    Family(
        "ssm-patch",
        "GetObject HeadObject",
        "anonymous",
        "virtual",
        "table",
        PATCH_TABLE,
        "2026-11-22",
        (
            ("af-south-1", "patch-baseline-snapshot-af-south-1-tbxdb5b9"),
            ("ap-east-1", "patch-baseline-snapshot-ap-east-1"),
            ("ap-northeast-1", "patch-baseline-snapshot-ap-northeast-1"),
            ("ap-northeast-2", "patch-baseline-snapshot-ap-northeast-2"),
            ("ap-northeast-3", "patch-baseline-snapshot-ap-northeast-3"),
            ("ap-south-1", "patch-baseline-snapshot-ap-south-1"),
            ("ap-south-2", "patch-baseline-snapshot-ap-south-2-50209442"),
            ("ap-southeast-1", "patch-baseline-snapshot-ap-southeast-1"),
            ("ap-southeast-2", "patch-baseline-snapshot-ap-southeast-2"),
            ("ap-southeast-3", "patch-baseline-snapshot-ap-southeast-3-be0a3174"),
            ("ap-southeast-4", "patch-baseline-snapshot-ap-southeast-4-dc6f76ce"),
            ("ca-central-1", "patch-baseline-snapshot-ca-central-1"),
            ("ca-west-1", "patch-baseline-snapshot-ca-west-1"),
            ("eu-central-1", "patch-baseline-snapshot-eu-central-1"),
            ("eu-central-2", "patch-baseline-snapshot-eu-central-2"),
            ("eu-north-1", "patch-baseline-snapshot-eu-north-1"),
            ("eu-south-1", "patch-baseline-snapshot-eu-south-1"),
            ("eu-south-2", "patch-baseline-snapshot-eu-south-2-df2c9d70"),
            ("eu-west-1", "patch-baseline-snapshot-eu-west-1"),
            ("eu-west-2", "patch-baseline-snapshot-eu-west-2"),
            ("eu-west-3", "patch-baseline-snapshot-eu-west-3"),
            ("il-central-1", "patch-baseline-snapshot-il-central-1"),
            ("me-central-1", "patch-baseline-snapshot-me-central-1"),
            ("me-south-1", "patch-baseline-snapshot-me-south-1-uduvl7q8"),
            ("sa-east-1", "patch-baseline-snapshot-sa-east-1"),
            ("us-east-1", "patch-baseline-snapshot-us-east-1"),
            ("us-east-2", "patch-baseline-snapshot-us-east-2"),
            ("us-west-1", "patch-baseline-snapshot-us-west-1"),
            ("us-west-2", "patch-baseline-snapshot-us-west-2"),
        ),
    ),
    Family(
        "ecr",
        "GetObject HeadObject",
        "presigned",
        "virtual",
        "rule",
        ECR_BUCKETS,
        "2026-11-22",
        (
            ("af-south-1", "prod-af-south-1-starport-layer-bucket"),
            ("ap-east-1", "prod-ap-east-1-starport-layer-bucket"),
            ("ap-northeast-1", "prod-ap-northeast-1-starport-layer-bucket"),
            ("ap-northeast-2", "prod-ap-northeast-2-starport-layer-bucket"),
            ("ap-northeast-3", "prod-ap-northeast-3-starport-layer-bucket"),
            ("ap-south-1", "prod-ap-south-1-starport-layer-bucket"),
            ("ap-south-2", "prod-ap-south-2-starport-layer-bucket"),
            ("ap-southeast-1", "prod-ap-southeast-1-starport-layer-bucket"),
            ("ap-southeast-2", "prod-ap-southeast-2-starport-layer-bucket"),
            ("ap-southeast-3", "prod-ap-southeast-3-starport-layer-bucket"),
            ("ap-southeast-4", "prod-ap-southeast-4-starport-layer-bucket"),
            ("ca-central-1", "prod-ca-central-1-starport-layer-bucket"),
            ("ca-west-1", "prod-ca-west-1-starport-layer-bucket"),
            ("eu-central-1", "prod-eu-central-1-starport-layer-bucket"),
            ("eu-central-2", "prod-eu-central-2-starport-layer-bucket"),
            ("eu-north-1", "prod-eu-north-1-starport-layer-bucket"),
            ("eu-south-1", "prod-eu-south-1-starport-layer-bucket"),
            ("eu-south-2", "prod-eu-south-2-starport-layer-bucket"),
            ("eu-west-1", "prod-eu-west-1-starport-layer-bucket"),
            ("eu-west-2", "prod-eu-west-2-starport-layer-bucket"),
            ("eu-west-3", "prod-eu-west-3-starport-layer-bucket"),
            ("il-central-1", "prod-il-central-1-starport-layer-bucket"),
            ("me-central-1", "prod-me-central-1-starport-layer-bucket"),
            ("me-south-1", "prod-me-south-1-starport-layer-bucket"),
            ("sa-east-1", "prod-sa-east-1-starport-layer-bucket"),
            ("us-east-1", "prod-us-east-1-starport-layer-bucket"),
            ("us-east-2", "prod-us-east-2-starport-layer-bucket"),
            ("us-west-1", "prod-us-west-1-starport-layer-bucket"),
            ("us-west-2", "prod-us-west-2-starport-layer-bucket"),
        ),
    ),
    Family(
        "codedeploy",
        "GetObject HeadObject",
        "anonymous",
        "virtual",
        "table",
        CODEDEPLOY_TABLE,
        "2026-11-22",
        (
            ("af-south-1", "aws-codedeploy-af-south-1"),
            ("ap-east-1", "aws-codedeploy-ap-east-1"),
            ("ap-northeast-1", "aws-codedeploy-ap-northeast-1"),
            ("ap-northeast-2", "aws-codedeploy-ap-northeast-2"),
            ("ap-south-1", "aws-codedeploy-ap-south-1"),
            ("ap-south-2", "aws-codedeploy-ap-south-2"),
            ("ap-southeast-1", "aws-codedeploy-ap-southeast-1"),
            ("ap-southeast-2", "aws-codedeploy-ap-southeast-2"),
            ("ap-southeast-3", "aws-codedeploy-ap-southeast-3"),
            ("ap-southeast-4", "aws-codedeploy-ap-southeast-4"),
            ("ca-central-1", "aws-codedeploy-ca-central-1"),
            ("eu-central-1", "aws-codedeploy-eu-central-1"),
            ("eu-north-1", "aws-codedeploy-eu-north-1"),
            ("eu-west-1", "aws-codedeploy-eu-west-1"),
            ("eu-west-2", "aws-codedeploy-eu-west-2"),
            ("eu-west-3", "aws-codedeploy-eu-west-3"),
            ("sa-east-1", "aws-codedeploy-sa-east-1"),
            ("us-east-1", "aws-codedeploy-us-east-1"),
            ("us-east-2", "aws-codedeploy-us-east-2"),
            ("us-west-1", "aws-codedeploy-us-west-1"),
            ("us-west-2", "aws-codedeploy-us-west-2"),
        ),
    ),
    Family(
        "amazon-linux-2023",
        "GetObject HeadObject",
        "anonymous",
        "dualstack",
        "seen",
        DATA_PERIMETER,
        "2026-11-22",
        (
            ("ap-northeast-1", "al2023-repos-ap-northeast-1-de612dc2"),
            ("ap-northeast-2", "al2023-repos-ap-northeast-2-de612dc2"),
            ("ap-south-1", "al2023-repos-ap-south-1-de612dc2"),
            ("ap-southeast-1", "al2023-repos-ap-southeast-1-de612dc2"),
            ("ap-southeast-3", "al2023-repos-ap-southeast-3-de612dc2"),
            ("eu-west-2", "al2023-repos-eu-west-2-de612dc2"),
            ("us-east-1", "al2023-repos-us-east-1-de612dc2"),
        ),
    ),
    Family(
        "amazon-linux-2",
        "GetObject HeadObject",
        "anonymous",
        "dualstack",
        "seen",
        DATA_PERIMETER,
        "2026-11-22",
        (("us-east-1", "amazonlinux-2-repos-us-east-1"),),
    ),
    Family(
        "cloudwatch-agent",
        "GetObject HeadObject",
        "anonymous",
        "path",
        "seen",
        CLOUDWATCH_AGENT,
        "2026-11-22",
        (
            ("eu-central-1", "amazoncloudwatch-agent-eu-central-1"),
            ("us-east-1", "amazoncloudwatch-agent-us-east-1"),
        ),
    ),
)
"""Every row, grouped by what its rows have in common; a bucket stands in one row only."""
