"""An environment in which nothing of this machine says which way AWS clients go."""

from pathlib import Path

import pytest

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
AWS = (
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_LOGS",
    "AWS_ENDPOINT_URL_CLOUDTRAIL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)


def make_bare(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Take away variables and files; `aws-config` in the directory is the configuration file."""
    for name in (*PROXIES, *(one.upper() for one in PROXIES), *AWS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(directory / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
