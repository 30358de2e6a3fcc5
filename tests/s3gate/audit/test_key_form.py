"""Hashed keys can be found by who knows key and salt; nothing else of a key stays."""

import pytest

from s3gate.audit.key_form import FULL, HIDDEN, KeyForm

HASH = KeyForm("hash", b"s" * 32)


def test_equal_keys_give_equal_hashes_under_one_salt() -> None:
    assert HASH.render("a") == HASH.render("a") != HASH.render("b")
    assert HASH.render("a") != KeyForm("hash", b"t" * 32).render("a")
    assert HASH.render("\udcff") is not None


@pytest.mark.parametrize(("form", "shown"), [(FULL, "a/b"), (KeyForm("omit"), None)])
def test_whole_or_not_at_all(form: KeyForm, shown: str | None) -> None:
    assert form.render("a/b") == shown
    assert form.render(None) is None


def test_quoted_keys_leave_our_sentences() -> None:
    assert HASH.clean('key "a/b" is not in `c`', "a/b", "c") == f"key {HIDDEN} is not in {HIDDEN}"
    assert HASH.clean(None, "a") is None
    assert FULL.clean('key "a"', "a") == 'key "a"'
