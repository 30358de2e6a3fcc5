"""s3gate: an egress proxy that lets AWS clients reach the S3 buckets on a list and nothing else."""

__version__ = "0.1.0"
