"""The bill of materials: CycloneDX's own schema accepts it, and it tells each wheel once."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from drive.tiny_wheels import put_wheel
from release.sbom import render_sbom

ROOT = Path(__file__).resolve().parents[3]
VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
print(found or "")
"""


def make(tmp_path: Path) -> bytes:
    put_wheel(tmp_path, "s3gate-0.1.0-py3-none-any.whl", "License-Expression: Apache-2.0")
    put_wheel(tmp_path, "cffi-2.1+local-cp313-cp313-manylinux_2_17_x86_64.whl")
    put_wheel(tmp_path, "cffi-2.1+local-cp313-cp313-manylinux_2_17_aarch64.whl", "License: BSD")
    put_wheel(tmp_path, "long-1-py3-none-any.whl", f"License: {'text ' * 50}")
    wheels = {path.name: path.read_bytes() for path in tmp_path.glob("*.whl")}
    return render_sbom("0.1.0", "c" * 40, 1_700_000_000, wheels)


def validate(document: bytes) -> str:
    python = subprocess.run(
        [ROOT / "deploy/development/environment.sh", "schemas"], capture_output=True, text=True, check=True, timeout=600
    ).stdout.strip()  # fmt: skip
    return subprocess.run(
        [f"{python}/python", "-c", VALIDATE], input=document.decode(), capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()  # fmt: skip


def test_the_schema_accepts_it(tmp_path: Path) -> None:
    assert validate(make(tmp_path)) == ""


@pytest.mark.parametrize(
    ("field", "value"), [("bomFormat", "other"), ("serialNumber", "urn:uuid:x"), ("unknown", 1)]
)
def test_the_schema_would_have_told(tmp_path: Path, field: str, value: object) -> None:
    assert validate(json.dumps({**json.loads(make(tmp_path)), field: value}).encode()) != ""


def test_every_wheel_is_told_once_with_its_digest(tmp_path: Path) -> None:
    document = json.loads(make(tmp_path))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.whl")}
    told = {one["purl"]: one["hashes"][0]["content"] for one in document["components"]}
    assert sorted(told.values()) == sorted(files.values())
    assert (
        "pkg:pypi/cffi@2.1%2Blocal?file_name=cffi-2.1%2Blocal-cp313-cp313-manylinux_2_17_aarch64.whl" in told
    )
    licences = {one["name"]: one.get("licenses") for one in document["components"]}
    assert licences["s3gate"] == [{"expression": "Apache-2.0"}]
    assert licences["long"] is None
    refs = {one["bom-ref"] for one in document["components"]} | {document["metadata"]["component"]["bom-ref"]}
    assert {ref for one in document["dependencies"] for ref in [one["ref"], *one["dependsOn"]]} == refs


def test_the_same_wheels_give_the_same_bytes(tmp_path: Path) -> None:
    assert make(tmp_path / "one") == make(tmp_path / "two")
