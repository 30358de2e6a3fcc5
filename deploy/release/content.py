"""PURE. What a release holds, and where: the map of the tarball.

The normal case: `install` and what it needs, each file listed in SHA256SUMS.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from release.archive import Entry
from release.sbom import render_sbom
from release.tree import Tree

TAKEN: Final = {
    "deploy/instance/install": "install",
    "deploy/instance/": "instance/",
    "deploy/systemd/": "systemd/",
    "deploy/smoke": "smoke",
    "deploy/deployed/": "deployed/",
    "deploy/runbooks/": "runbooks/",
    "config/": "config/",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
}
"""Path of the tree → path of the release; the first that fits."""
SUMS: Final = "SHA256SUMS"


def lay_out(
    tree: Tree, version: str, wheels: Mapping[str, bytes], requirements: Mapping[str, str]
) -> dict[str, Entry]:
    """Every file of the release, by its path in it.

    Args:
        tree: of the commit.
        version: of s3gate.
        wheels: by file name.
        requirements: Python → what pip is told.
    """
    files: dict[str, Entry] = {}
    for path, entry in tree.files.items():
        prefix = next(
            (one for one in TAKEN if path == one or (one.endswith("/") and path.startswith(one))), None
        )
        if prefix is not None:
            files[TAKEN[prefix] + path.removeprefix(prefix)] = entry
    files |= {f"wheelhouse/{name}": Entry(data) for name, data in wheels.items()}
    files |= {f"requirements-{python}.txt": Entry(text.encode()) for python, text in requirements.items()}
    files["VERSION"] = Entry(f"{version}\n".encode())
    files["sbom.cdx.json"] = Entry(render_sbom(version, tree.commit, tree.seconds, wheels))
    files[SUMS] = Entry(
        "".join(
            f"{hashlib.sha256(files[name].data).hexdigest()}  {name}\n" for name in sorted(files)
        ).encode()
    )
    return files
