"""Alike refusals that come together are one line; nothing else is folded, and nothing is lost."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.folding import fold


def record(decision: str, client: str, reason: str) -> Mapping[str, object]:
    return {"decision": decision, "client": {"address": client}, "reason": reason}


def test_a_storm_is_one_line_in_its_first_place() -> None:
    storm = [record("deny", "1", "A")] * 7
    lines = fold(
        [record("allow", "1", "OK"), *storm, record("deny", "2", "A"), *[record("allow", "3", "OK")] * 9]
    )
    assert [told.count for told in lines] == [1, 7, 1, *[1] * 9]


def test_a_few_are_shown_one_by_one() -> None:
    assert [told.count for told in fold([record("deny", "1", "A")] * 5)] == [1] * 5


@given(
    st.lists(
        st.builds(record, st.sampled_from(["allow", "deny"]), st.sampled_from("12"), st.sampled_from("AB"))
    )
)
def test_counts_add_up(records: list[Mapping[str, object]]) -> None:
    assert sum(told.count for told in fold(records)) == len(records)
