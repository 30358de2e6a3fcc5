"""Who ends at once is replaced at once, then later and later."""

from s3gate.rest import FIRST_DELAY_S, MAX_DELAY_S, QUICK_S, Rest


def test_each_end_in_a_row_is_followed_by_a_longer_rest() -> None:
    rest, delays = Rest(), []
    for _ in range(12):
        rest = rest.after(0.1)
        delays.append(rest.delay_s)
    assert delays[:4] == [0, FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S]
    assert delays[-1] == MAX_DELAY_S
    assert rest.after(QUICK_S).delay_s == 0
