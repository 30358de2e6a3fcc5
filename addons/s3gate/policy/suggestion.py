"""The nearest right spelling of a word that nobody knows.

`alow` becomes `allow`; a word that is near to nothing gets no suggestion, because a
wrong hint costs more than none.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

LONGEST_WORD: Final = 64
"""Characters; longer than any key, class, region or operation that we know."""

NEAR_ENOUGH: Final = 0.6
"""difflib's own default ratio: one or two slips in a word of five letters."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be.

    Args:
        word: as written.
        known: every right spelling.

    Returns:
        The right spelling, or None when nothing is near.
    """
    if len(word) > LONGEST_WORD:
        return None
    folded = {_fold(one): one for one in known}
    same = folded.get(_fold(word))
    if same is not None:
        return same
    close = get_close_matches(_fold(word), folded, n=1, cutoff=NEAR_ENOUGH)
    return folded[close[0]] if close else None


def _fold(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")
