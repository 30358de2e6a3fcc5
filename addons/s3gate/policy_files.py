"""The policy on its way to the workers: a file of its own for each, in the supervisor's own directory.

The normal case: the keeper has a new policy, it is written once, and the workers are told
its name and its SHA-256. They take it when they come to it; the one before stays for those
that were told of it and are late. The directory is the supervisor's, readable by its user alone.
"""

import pickle
from hashlib import sha256
from pathlib import Path

from s3gate.in_force import News, check_file
from s3gate.loading import Loaded
from s3gate.policy_keeper import PolicyKeeper


class PolicyFiles:
    """Writes what a keeper keeps.

    Args:
        directory: of the supervisor.
        keeper: of the policy.
        source: as the settings name it.
    """

    def __init__(self, directory: Path, keeper: PolicyKeeper, source: str) -> None:
        self._directory, self._keeper, self._source = directory, keeper, source
        self._written: tuple[int, Path, str] | None = None

    def write(self) -> bool:
        """Write the policy if it is new; whether it was.

        Raises:
            OSError: it cannot be written.
        """
        kept = self._keeper.kept
        if kept.loaded is None or (self._written is not None and self._written[0] == kept.number):
            return False
        data = pickle.dumps(kept.loaded, pickle.HIGHEST_PROTOCOL)
        path = self._directory / f"policy-{kept.number}"
        path.write_bytes(data)
        (self._directory / f"policy-{kept.number - 2}").unlink(missing_ok=True)
        self._written = kept.number, path, sha256(data).hexdigest()
        return True

    def news(self) -> News:
        """What every worker should know."""
        kept, written = self._keeper.kept, self._written
        news = News.of(kept, self._source)
        if written is None:
            return News(0, news.source, news.refused)
        number, path, digest = written
        return News(number, news.source, news.refused, str(path), digest)


def read_policy(news: News) -> Loaded:
    """The policy that news name.

    Raises:
        OSError: its file is gone.
        ValueError: it is not whole.
    """
    data = check_file(Path(news.path or "").read_bytes(), news.digest)
    found = pickle.loads(data)  # noqa: S301 - our own supervisor wrote it, and told its digest
    if not isinstance(found, Loaded):
        raise ValueError("the file holds no policy")  # noqa: TRY004 - it is its value that is wrong
    return found
