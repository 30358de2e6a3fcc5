"""Write `addons/s3gate/s3/partition_data.py` from the data files of the installed botocore.

Run `python tests/generate/partition_data.py > addons/s3gate/s3/partition_data.py` after
botocore moved; a test compares the committed module with `render()`.

Read are `partitions.json` and the endpoint rule sets of the S3 family. What a partition
lacks (FIPS, accelerate) is asked of the rules themselves, by evaluating them.
"""

import sys
from collections.abc import Iterator
from typing import Any  # botocore has no types

import botocore
import botocore.session
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

SERVICES = ("s3", "s3control", "s3files", "s3outposts", "s3tables", "s3vectors")

# What the rules of S3 may refuse for a whole partition: the parameters that ask for it.
FEATURES: dict[str, dict[str, bool]] = {
    "accelerate": {"Accelerate": True},
    "dualstack": {"UseDualStack": True},
    "fips": {"UseFIPS": True},
}


def load(service: str | None) -> Any:
    """One of botocore's data files: the rule set of a service, or with None the partitions."""
    loader = botocore.session.get_session().get_component("data_loader")
    if service is None:
        return loader.load_data("partitions")
    return loader.load_service_model(service, "endpoint-rule-set-1")


def urls_of(node: object) -> Iterator[str]:
    """Every URL template inside a rule set."""
    if isinstance(node, dict):
        endpoint = node.get("endpoint")
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
            yield endpoint["url"]
        for value in node.values():
            yield from urls_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from urls_of(value)


def host_templates() -> list[tuple[str, str]]:
    """(service, host template) of every rule that names a host under a partition's suffix."""
    found = {
        (service, url.removeprefix("https://").partition("/")[0])
        for service in SERVICES
        for url in urls_of(load(service))
        if url.startswith("https://") and url.partition("/{uri")[0].endswith("uffix}")
    }
    return sorted(found)


def features_of(region: str) -> list[str]:
    """The features that S3's rules grant in a region."""
    provider = EndpointProvider(load("s3"), load(None))
    granted = []
    for feature, parameters in FEATURES.items():
        try:
            provider.resolve_endpoint(Region=region, Bucket="bucket", **parameters)
        except EndpointProviderError:
            continue
        granted.append(feature)
    return granted


def rows() -> Iterator[tuple[str | list[str], ...]]:
    """The fields of each partition, in order of id."""
    data = load(None)["partitions"]
    for entry in sorted(data, key=lambda entry: str(entry["id"])):
        outputs = entry["outputs"]
        yield (
            entry["id"],
            outputs["dnsSuffix"],
            outputs["dualStackDnsSuffix"],
            entry["regionRegex"],
            outputs["implicitGlobalRegion"],
            features_of(outputs["implicitGlobalRegion"]),
            sorted(name for name in entry["regions"] if not name.endswith("-global")),
        )


def quote(text: str) -> str:
    """A Python string literal as the formatter writes it."""
    return f'r"{text}"' if "\\" in text else f'"{text}"'


def render() -> str:
    """The whole module, formatted."""
    lines = [
        '"""The partitions botocore knows. Made by `tests/generate/partition_data.py`; do not edit."""',
        "",
        "from typing import Final",
        "",
        "# The version of botocore whose partitions.json and endpoint rule sets were read.",
        f"BOTOCORE_VERSION: Final = {quote(botocore.__version__)}",
        "",
        "# id, dnsSuffix, dualStackDnsSuffix, regionRegex, implicitGlobalRegion,",
        "# what S3's rules grant there, regions.",
        "Row = tuple[str, str, str, str, str, tuple[str, ...], tuple[str, ...]]",
        "ROWS: Final[tuple[Row, ...]] = (",
    ]
    for row in rows():
        lines.append("    (")
        for value in row:
            if isinstance(value, str):
                lines.append(f"        {quote(value)},")
            elif len(value) == 1:
                lines.append(f"        ({quote(value[0])},),")
            else:
                lines += ["        (", *(f"            {quote(item)}," for item in value), "        ),"]
        lines.append("    ),")
    return "\n".join([*lines, ")"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
