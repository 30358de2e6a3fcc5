"""How object keys stand in the records: whole, hashed with a salt, or not at all. Pure.

The normal case is `full`. With `hash` equal keys give equal values, so that an auditor
who knows a key and the salt finds it, and nobody else reads names of patients or deals
out of a log; with `omit` not even that. Either way the request target keeps its query's
names only, and what a key was part of (a path, a prefix, a marker, a sentence) goes too.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

FORMS: Final = ("full", "hash", "omit")
HIDDEN_PATH: Final = "/[path hidden]"
HIDDEN: Final = "[key hidden]"
# Query parameters of S3's API whose value is a key, or the beginning of one.
KEY_PARAMETERS: Final = frozenset({"prefix", "marker", "start-after", "key-marker", "delimiter"})


@dataclass(frozen=True, slots=True)
class KeyForm:
    """One of `FORMS`, with the salt of `hash`."""

    form: str = "full"
    salt: bytes = b""

    @property
    def whole(self) -> bool:
        """Whether keys are recorded as they are."""
        return self.form == "full"

    def render(self, key: str | None) -> str | None:
        """A key as the record holds it.

        Args:
            key: decoded once; lone surrogates allowed.
        """
        if key is None or self.form == "full":
            return key
        if self.form == "omit":
            return None
        return "hmac-sha256:" + hmac.digest(self.salt, key.encode("utf-8", "surrogatepass"), sha256).hex()

    def clean(self, text: str | None, *keys: str | None) -> str | None:
        """A sentence of ours without the keys it quotes."""
        if text is None or self.form == "full":
            return text
        for key in filter(None, keys):
            for quote in ('"', "`", "'"):
                text = text.replace(f"{quote}{key}{quote}", HIDDEN)
        return text


FULL: Final = KeyForm()
