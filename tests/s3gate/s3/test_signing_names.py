"""The shared lists fold to themselves."""

from s3gate.s3.signing_names import SECURITY_TOKEN, SESSION_TOKEN, SIGNING_HEADERS, V2_QUERY, V4_QUERY


def test_keys_are_the_folded_spellings() -> None:
    for names in (V4_QUERY, V2_QUERY):
        assert all(folded == name.lower() for folded, name in names.items())


def test_signing_headers_are_lower_case_and_hold_the_tokens() -> None:
    assert all(name == name.lower() and name.startswith("x-amz-") for name in SIGNING_HEADERS)
    assert {SECURITY_TOKEN, SESSION_TOKEN} <= SIGNING_HEADERS
