"""Wheels of a few bytes, for tests of what is done with wheels: real names, real tags, real metadata."""

import hashlib
import io
import zipfile
from pathlib import Path


def put_wheel(directory: Path, file_name: str, licence: str = "License-Expression: MIT") -> str:
    """Write an empty wheel of that name; its SHA-256."""
    name, version, *_ = file_name.split("-")
    title = f"{name}-{version}.dist-info"
    tags = "".join(f"Tag: {'-'.join(file_name.removesuffix('.whl').split('-')[2:])}\n")
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{licence}\n"
    files = {
        f"{name}.py": "",
        f"{title}/METADATA": metadata,
        f"{title}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n{tags}",
    }
    files[f"{title}/RECORD"] = "".join(f"{one},,\n" for one in [*files, f"{title}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for one, text in files.items():
            archive.writestr(zipfile.ZipInfo(one, (2026, 1, 1, 0, 0, 0)), text)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / file_name).write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def write_lock(file: Path, pins: dict[str, list[str]]) -> None:
    """A lock of `name==version[ ; marker]` → hashes, as `make lock` writes it."""
    lines = []
    for pin, digests in pins.items():
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in digests)
        lines.append(f"{pin} \\\n{hashes}\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines))
