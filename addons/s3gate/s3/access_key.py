"""The account that owns an access key id, read from the id alone."""

import re
from typing import Final

# RFC 4648 base32 digits as the digits of Python's base 32, so that int() decodes them.
_BASE32: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")

# 20 characters: AKIA (long term) or ASIA (temporary), then base32. A fifth character A to P is a key from
# before 2019, in which the account does not stand.
_TELLING: Final = re.compile(r"(?:AKIA|ASIA)[Q-Z2-7][A-Z2-7]{15}", re.ASCII)

MAX_ACCOUNT: Final = 999_999_999_999
"""Account ids have twelve decimal digits (IAM user guide, account identifiers)."""


def account_of(access_key_id: str) -> str | None:
    """The account that owns an access key id.

    Of the 80 bits after the prefix, bits 1 to 40 are the account. Source: A. Steele, awsteele.com
    2020-09-26, checked there with sts:GetAccessKeyInfo; T. Be'ery 2023. There is no checksum: any
    text of this shape tells some account, and S3 accepts only keys that exist.

    Args:
        access_key_id: as written in the request.

    Returns:
        Twelve digits, or None when the id does not tell.
    """
    if _TELLING.fullmatch(access_key_id) is None:
        return None
    # Ten base32 digits are 50 bits; the account ends nine bits before their end.
    number = (int(access_key_id[4:14].translate(_BASE32), 32) >> 9) & 0xFFFFFFFFFF
    return f"{number:012d}" if number <= MAX_ACCOUNT else None
