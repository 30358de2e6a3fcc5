"""PURE. The bill of materials of a release: CycloneDX 1.6, JSON, the same bytes for the same wheels.

The normal case has a component for each wheel file, since each has a digest of its own:
`pkg:pypi/cffi@2.1.1?file_name=…`. Names, versions and licences are those of the wheel's METADATA.
"""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from typing import Final
from urllib.parse import quote

from packaging.utils import canonicalize_name

SPEC: Final = "1.6"  # https://cyclonedx.org/docs/1.6/json/
NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs: RFC 9562, section 6.6
MAX_LICENCE_CHARS: Final = 80  # longer ones are the text of a licence, not its name

type Json = str | int | list["Json"] | dict[str, "Json"]


def render_sbom(version: str, commit: str, seconds: int, wheels: Mapping[str, bytes]) -> bytes:
    """The document.

    Args:
        version: of s3gate.
        commit: that it was made from.
        seconds: since 1970, when that was made.
        wheels: by file name; that of s3gate itself too.
    """
    components = [_component(name, wheels[name]) for name in sorted(wheels)]
    own = [one for one in components if one["name"] == "s3gate"]
    others = [one for one in components if one["name"] != "s3gate"]
    root = f"pkg:generic/s3gate-release@{version}?vcs_commit={commit}"
    document: dict[str, Json] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "s3gate-release",
                "version": version,
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "properties": [{"name": "s3gate:commit", "value": commit}],
            },
        },
        "components": [*own, *others],
        "dependencies": [
            {"ref": root, "dependsOn": [one["bom-ref"] for one in own]},
            *({"ref": one["bom-ref"], "dependsOn": [other["bom-ref"] for other in others]} for one in own),
        ],
    }
    digest = hashlib.sha256(_dump(document)).hexdigest()
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, digest)}"
    return _dump(document)


def _component(file_name: str, data: bytes) -> dict[str, Json]:
    found = _metadata(data)
    name, version = canonicalize_name(found["Name"]), str(found["Version"])
    purl = f"pkg:pypi/{name}@{quote(version, safe='')}?file_name={quote(file_name, safe='')}"
    component: dict[str, Json] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}],
    }
    if expression := found["License-Expression"]:
        component["licenses"] = [{"expression": str(expression)}]
    elif (licence := str(found["License"] or "").strip()) and len(licence) <= MAX_LICENCE_CHARS:
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _metadata(wheel: bytes) -> Message:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name), headersonly=True)


def _dump(document: Json) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
