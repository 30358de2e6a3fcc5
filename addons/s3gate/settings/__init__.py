"""s3gate.yaml and the environment → Settings: frozen, every path absolute, every number in range."""

from s3gate.settings.model import Settings
from s3gate.settings.source import parse_settings, read_hmac_key, read_settings

__all__ = ["Settings", "parse_settings", "read_hmac_key", "read_settings"]
