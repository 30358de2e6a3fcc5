"""The Kubernetes example: its API's own schema, the guards that matter here, and settings that the gate accepts."""

import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drive.program import find_program
from s3gate.settings.source import parse_settings

HOME = Path(__file__).resolve().parents[3] / "deploy" / "kubernetes"
FILES = sorted(HOME.rglob("*.yaml"))
NAME = {"app.kubernetes.io/name": "s3gate"}

type Object = dict[str, Any]


def read() -> dict[str, Object]:
    """Every object, as `Kind/name`."""
    found = [one for path in FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def judge(objects: dict[str, Object]) -> dict[str, bool]:
    """Every guard, and whether it holds."""
    gate = objects["StatefulSet/s3gate"]["spec"]
    pod = gate["template"]["spec"]
    (box,) = pod["containers"]
    own = box.get("securityContext", {})
    mounts = {one["name"]: one for one in box["volumeMounts"]}
    policy = objects["NetworkPolicy/s3gate"]["spec"]
    around = objects["NetworkPolicy/s3gate-clients"]["spec"]
    wide = [
        block
        for rule in policy["egress"]
        for to in rule["to"]
        if (block := to.get("ipBlock", {})).get("cidr", "").endswith("/0")
    ]
    return {
        "root": pod.get("securityContext", {}).get("runAsNonRoot") is True,
        "user": pod.get("securityContext", {}).get("runAsUser", 0) >= 10000,
        "seccomp": pod.get("securityContext", {}).get("seccompProfile") == {"type": "RuntimeDefault"},
        "escalation": own.get("allowPrivilegeEscalation") is False,
        "privileged": own.get("privileged") is False,
        "read-only": own.get("readOnlyRootFilesystem") is True,
        "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
        "host": not any(pod.get(one) for one in ("hostNetwork", "hostPID", "hostIPC")),
        "token": pod.get("automountServiceAccountToken") is False
        and objects["ServiceAccount/s3gate"].get("automountServiceAccountToken") is False,
        "digest": "@sha256:" in box["image"],
        "drain": pod.get("terminationGracePeriodSeconds", 30) >= 120,
        "ready": box.get("readinessProbe", {}).get("httpGet", {}).get("path") == "/readyz",
        "live": box.get("livenessProbe", {}).get("httpGet", {}).get("path") == "/livez",
        "memory": "memory" in box.get("resources", {}).get("limits", {}),
        "journal": mounts["journal"]["mountPath"] == "/var/lib/s3gate"
        and [one["metadata"]["name"] for one in gate.get("volumeClaimTemplates", [])] == ["journal"],
        "settings": mounts["settings"].get("readOnly") is True and mounts["audit-key"].get("readOnly") is True,
        "replicas": gate["replicas"] >= 2,
        "disruption": objects["PodDisruptionBudget/s3gate"]["spec"].get("maxUnavailable") == 1,
        "directions": set(policy["policyTypes"]) == {"Ingress", "Egress"},
        "clients": all(one.get("from") for one in policy["ingress"])
        and {port["port"] for one in policy["ingress"] for port in one.get("ports", [{"port": 0}])} == {8080},
        "metadata": all("169.254.0.0/16" in one.get("except", []) for one in wide),
        "ports": all(one.get("ports") for one in policy["egress"]),
        "around": not any("ipBlock" in to for one in around["egress"] for to in one.get("to", [{"ipBlock": 0}])),
        "exposed": all(one["spec"].get("type", "ClusterIP") == "ClusterIP" for name, one in objects.items() if name.startswith("Service/")),
    }  # fmt: skip


def find_faults(objects: dict[str, Object]) -> list[str]:
    """The guards that do not hold."""
    return [name for name, holds in judge(objects).items() if not holds]


def test_every_guard_holds() -> None:
    assert find_faults(read()) == []


def pod(objects: dict[str, Object]) -> Object:
    found: Object = objects["StatefulSet/s3gate"]["spec"]["template"]["spec"]
    return found


def box(objects: dict[str, Object]) -> Object:
    found: Object = pod(objects)["containers"][0]
    return found


def rules(objects: dict[str, Object], way: str, name: str = "s3gate") -> list[Object]:
    found: list[Object] = objects[f"NetworkPolicy/{name}"]["spec"][way]
    return found


MUTANTS: dict[str, Callable[[dict[str, Object]], object]] = {
    "root": lambda all_: pod(all_)["securityContext"].pop("runAsNonRoot"),
    "user": lambda all_: pod(all_)["securityContext"].update(runAsUser=0),
    "seccomp": lambda all_: pod(all_)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "escalation": lambda all_: box(all_)["securityContext"].pop("allowPrivilegeEscalation"),
    "privileged": lambda all_: box(all_)["securityContext"].update(privileged=True),
    "read-only": lambda all_: box(all_)["securityContext"].update(readOnlyRootFilesystem=False),
    "capabilities": lambda all_: box(all_)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    "host": lambda all_: pod(all_).update(hostNetwork=True),
    "token": lambda all_: pod(all_).update(automountServiceAccountToken=True),
    "digest": lambda all_: box(all_).update(image="s3gate:latest"),
    "drain": lambda all_: pod(all_).pop("terminationGracePeriodSeconds"),
    "ready": lambda all_: box(all_).pop("readinessProbe"),
    "live": lambda all_: box(all_)["livenessProbe"]["httpGet"].update(path="/readyz"),
    "memory": lambda all_: box(all_)["resources"].pop("limits"),
    "journal": lambda all_: all_["StatefulSet/s3gate"]["spec"].pop("volumeClaimTemplates"),
    "settings": lambda all_: box(all_)["volumeMounts"][0].pop("readOnly"),
    "replicas": lambda all_: all_["StatefulSet/s3gate"]["spec"].update(replicas=1),
    "disruption": lambda all_: all_["PodDisruptionBudget/s3gate"]["spec"].update(maxUnavailable="100%"),
    "directions": lambda all_: all_["NetworkPolicy/s3gate"]["spec"].update(policyTypes=["Ingress"]),
    "clients": lambda all_: rules(all_, "ingress")[0].pop("from"),
    "metadata": lambda all_: rules(all_, "egress")[1]["to"][0]["ipBlock"].pop("except"),
    "ports": lambda all_: rules(all_, "egress")[1].pop("ports"),
    "around": lambda all_: rules(all_, "egress", "s3gate-clients").append({}),
    "exposed": lambda all_: all_["Service/s3gate"]["spec"].update(type="LoadBalancer"),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_each_defect_is_found(fault: str) -> None:
    objects = copy.deepcopy(read())
    MUTANTS[fault](objects)
    assert find_faults(objects) == [fault]


def test_every_guard_has_its_defect() -> None:
    assert set(judge(read())) == set(MUTANTS)


def test_whoever_is_selected_is_there() -> None:
    objects = read()
    for name, one in objects.items():
        if name.startswith(("Service/", "PodDisruptionBudget/")) or name == "NetworkPolicy/s3gate":
            selector = one["spec"].get("selector") or one["spec"].get("podSelector")
            assert selector in (NAME, {"matchLabels": NAME}), name
    assert objects["StatefulSet/s3gate"]["spec"]["serviceName"] == "s3gate-pods"
    assert "Service/s3gate-pods" in objects


def test_its_settings_are_settings() -> None:
    text = read()["ConfigMap/s3gate"]["data"]["s3gate.yaml"]
    settings = parse_settings(text.encode(), Path("/etc/s3gate"), {})
    ports = {one["name"]: one["containerPort"] for one in box(read())["ports"]}
    assert ports == {"proxy": settings.listen.port, "health": settings.health.port}
    mounts = [Path(one["mountPath"]) for one in box(read())["volumeMounts"]]
    for path in (settings.audit.directory, settings.audit.hmac_key):
        assert any(path.is_relative_to(mount) for mount in mounts)
    assert {"example-artifacts", "example-archive"} <= settings.ground.buckets
    assert "ssm" in settings.ground.services


def validate(*files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program("schemas", "kubernetes-validate"), "--strict", *files],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_schema_of_the_api_accepts_every_object() -> None:
    ran = validate(*FILES)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (ran.stdout + ran.stderr).count(" passed for resource ") == len(read())


def test_the_schema_would_have_told(tmp_path: Path) -> None:
    text = (HOME / "s3gate.yaml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))
    assert validate(tmp_path / "wrong.yaml").returncode == 1
