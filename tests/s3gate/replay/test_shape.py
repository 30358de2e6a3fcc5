"""Which requests count as one."""

from generate.asks import NOW, POLICY, REGION, Ask, policy
from generate.recorded import facts
from s3gate.replay.shape import Shapes

BASE = policy()
KEYED = f"keyed.s3.{REGION}.amazonaws.com"


def shape(ask: Ask, *, text: str = POLICY) -> object:
    by = policy(text=text)
    return Shapes(by, {by.digest: by}).of(facts(by, ask))


def test_a_key_is_no_part_of_it_where_no_rule_limits_keys() -> None:
    assert shape(Ask(target="/a")) == shape(Ask(target="/b/c"))


def test_a_key_counts_by_the_patterns_it_fits() -> None:
    assert shape(Ask(KEYED, "/incoming/a")) == shape(Ask(KEYED, "/incoming/b"))
    assert shape(Ask(KEYED, "/x")) == shape(Ask(KEYED, "/y"))
    # The same verdict of then would hide the difference: both policies are asked.
    open_ = POLICY.replace('keys: ["incoming/*"]', 'keys: ["*"]')
    both = Shapes(policy(text=open_), {BASE.digest: BASE, "": policy(text=open_)})
    one, other = (both.of(facts(policy(text=open_), Ask(KEYED, key))) for key in ("/incoming/a", "/x"))
    assert one == other, "the old policy did not decide these"


def test_the_source_of_a_copy_counts_too() -> None:
    within, outside = (
        shape(Ask(method="PUT", headers=(("x-amz-copy-source", f"keyed/{key}"),)))
        for key in ("incoming/a", "b")
    )
    assert within != outside


def test_a_key_id_counts_by_its_account_and_a_client_by_its_group() -> None:
    assert shape(Ask(client="10.0.0.1")) == shape(Ask(client="10.0.0.2"))
    assert shape(Ask(client="10.0.0.1")) != shape(Ask(client="10.20.0.1"))
    assert shape(Ask()) != shape(Ask(key=None))


def test_the_day_counts_for_a_policy_in_monitor_mode_alone() -> None:
    watched = policy("mode: monitor\nuntil: 2026-11-22\n")
    for by, differ in ((watched, True), (BASE, False)):
        shapes, now = Shapes(by, {by.digest: by}), facts(by, Ask())
        key = shapes.of(now)
        assert isinstance(key, tuple)
        assert (NOW.date() in key) is differ
