"""Account ids stand in access key ids made since 2019."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.access_key import account_of

VECTORS = {
    "ASIAY34FZKBOKMUTVV7A": "609629065308",
    "ASIAY34FZKBNKMUTVV7A": "609629065306",
    "ASIAVJ2E6QGR2WZILJFM": "364679954851",
    "ASIAQNZGKIQY56JQ7WML": "029608264753",
    "ASIAQAAAAAAAGMKEM7X5": "000000000000",
    "AKIA6RVFFB77AAAAAAAA": "999999999998",
}


@pytest.mark.parametrize(("key", "account"), VECTORS.items())
def test_public_vectors(key: str, account: str) -> None:
    assert account_of(key) == account


SILENT = {
    "from before 2019": "AKIAIOSFODNN7EXAMPLE",
    "fifth character P": "ASIAP34FZKBOKMUTVV7A",
    "role id": "AROAY34FZKBOKMUTVV7A",
    "lower case": "asiay34fzkbokmutvv7a",
    "padding": "ASIAY34FZKBOKMUTVV==",
    "too short": "ASIAY34FZKBOKMUTVV7",
    "too long": "ASIAY34FZKBOKMUTVV7AA",
    "no base32": "ASIAY34FZKBOKMUTVV71",
    "newline": "ASIAY34FZKBOKMUTVV7A\n",
    "beyond twelve digits": "AKIA7777777777777777",
    "empty": "",
}


@pytest.mark.parametrize("key", SILENT.values(), ids=SILENT.keys())
def test_keys_that_do_not_tell(key: str) -> None:
    assert account_of(key) is None


@given(st.text() | st.from_regex(r"A[KS]IA[A-Z2-7]{16}", fullmatch=True))
def test_any_text_tells_twelve_digits_or_nothing(key: str) -> None:
    account = account_of(key)
    assert account is None or (len(account) == 12 and account.isdecimal())
