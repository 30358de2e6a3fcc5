"""Limits are kept to the character, and what is too long is cut into parts that say the same."""

import json
from itertools import chain

import pytest

from s3gate.aws.export.document import allow_document, document, merge_grants, render_document
from s3gate.aws.export.grant import Grant
from s3gate.aws.export.size import (
    BUCKET_LIMIT,
    ENDPOINT_LIMIT,
    MANAGED_LIMIT,
    DoesNotFit,
    Limit,
    fit_document,
    split_grants,
)

GET = frozenset({"s3:GetObject"})


def of_length(length: int) -> dict[str, object]:
    """A document of exactly so many characters without white space."""
    empty = len(render_document(document([{"Sid": ""}])))
    return document([{"Sid": "x" * (length - empty)}])


@pytest.mark.parametrize("limit", [ENDPOINT_LIMIT, BUCKET_LIMIT, MANAGED_LIMIT])
@pytest.mark.parametrize(("more", "fits"), [(-1, True), (0, True), (1, False)])
def test_the_last_character_counts(limit: Limit, more: int, fits: bool) -> None:
    text = fit_document(of_length(limit.characters + more), limit)
    assert (text is not None) is fits
    if text is not None and limit.white_space:
        assert len(text) <= limit.characters


def test_the_figures_are_aws_s() -> None:
    assert (ENDPOINT_LIMIT.characters, BUCKET_LIMIT.characters, MANAGED_LIMIT.characters) == (
        20480,
        20480,
        6144,
    )
    assert not MANAGED_LIMIT.white_space


def test_indentation_goes_first_where_it_counts() -> None:
    limit = Limit(120, True, "")
    short, long = of_length(60), of_length(115)
    assert "\n" in (fit_document(short, limit) or "")
    assert "\n" not in (fit_document(long, limit) or "\n")
    assert "\n" in (fit_document(long, Limit(120, False, "")) or "")


@pytest.mark.parametrize("count", [1, 400, 1000])
def test_parts_say_together_what_the_whole_says(count: int) -> None:
    grants = merge_grants(Grant(GET, (f"arn:aws:s3:::bucket-{number:04}/*",)) for number in range(count))
    parts = split_grants(grants, ENDPOINT_LIMIT, principal=True)
    assert all(fit_document(allow_document(part, principal=True), ENDPOINT_LIMIT) for part in parts)
    resources = [one.resources for part in parts for one in part]
    assert list(chain.from_iterable(resources)) == list(grants[0].resources)
    assert len(parts) == {1: 1, 400: 1, 1000: 2}[count]


def test_a_part_is_full_to_the_last_resource_that_fits() -> None:
    grants = merge_grants(Grant(GET, (f"arn:aws:s3:::bucket-{number:04}/*",)) for number in range(1000))
    first, second, *_ = split_grants(grants, ENDPOINT_LIMIT, principal=True)
    grown = [Grant(GET, (*first[0].resources, second[0].resources[0]))]
    assert len(render_document(allow_document(first, principal=True))) <= ENDPOINT_LIMIT.characters
    assert len(render_document(allow_document(grown, principal=True))) > ENDPOINT_LIMIT.characters


def test_what_cannot_be_cut_is_named() -> None:
    with pytest.raises(DoesNotFit, match=r"the grant for `arn:aws:s3:::b/x+` is longer than 6144"):
        split_grants([Grant(GET, (f"arn:aws:s3:::b/{'x' * 6144}",))], MANAGED_LIMIT, principal=False)


def test_a_document_is_json() -> None:
    assert json.loads(fit_document(of_length(100), ENDPOINT_LIMIT) or "")["Version"] == "2012-10-17"


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_last_character_counts_in_a_part_too(more: int) -> None:
    first = Grant(GET, ("arn:aws:s3:::first/*",))
    whole = [Grant(GET, (*first.resources, "arn:aws:s3:::/*"))]
    missing = MANAGED_LIMIT.characters - len(render_document(allow_document(whole, principal=False)))
    grants = merge_grants([first, Grant(GET, (f"arn:aws:s3:::{'x' * (missing + more)}/*",))])
    assert len(split_grants(grants, MANAGED_LIMIT, principal=False)) == (2 if more > 0 else 1)
