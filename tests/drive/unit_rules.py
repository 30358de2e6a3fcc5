"""What a systemd unit of s3gate must say: a table beside which the score of `systemd-analyze security` is a weak net.

The normal case finds nothing. Only two of fourteen single changes for the worse exceed a score of 2.5 (measured with
systemd 252): a unit without `User=` still has 1.6, one without `LimitCORE=0` the same as with it.
"""

from collections.abc import Mapping
from typing import Final

# directive → value, of every service (systemd.exec(5), systemd.service(5)).
HARDENED: Final = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateMounts": "yes",
    "PrivateUsers": "yes",
    "PrivateIPC": "yes",
    "ProtectClock": "yes",
    "ProtectHostname": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "DevicePolicy": "closed",
    "KeyringMode": "private",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service|~@privileged @resources",
    "SystemCallErrorNumber": "EPERM",
    "UMask": "0077",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
}
OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "s3gate.service": {
        "Type": "exec",
        "User": "s3gate",
        "Group": "s3gate",
        "ExecStart": "/opt/s3gate/current/venv/bin/s3gate run --config /etc/s3gate/s3gate.yaml",
        "ExecReload": "/opt/s3gate/current/venv/bin/s3gate reload --config /etc/s3gate/s3gate.yaml",
        "LoadCredential": "|".join(
            f"{name}:/run/s3gate-credentials/current/{name}" for name in ("ca.pem", "ca.key", "audit.key")
        ),
        "Wants": "network-online.target s3gate-credentials.service",  # not Requires: restarts alone as well
        "After": "network-online.target s3gate-credentials.service time-sync.target",
        "KillMode": "mixed",  # SIGTERM to every process would drain workers before the balancer knows
        "KillSignal": "SIGTERM",
        "TimeoutStopSec": "180",
        "Restart": "always",
        "RestartSec": "5",
        "StartLimitIntervalSec": "0",
        "OOMPolicy": "continue",  # a worker is replaced, the others serve on
        "LimitNOFILE": "65536",
        "StateDirectory": "s3gate",
        "StateDirectoryMode": "0700",
        "RuntimeDirectory": "s3gate",
        "RuntimeDirectoryMode": "0700",
        "RemoveIPC": "yes",
        "InaccessiblePaths": "-/run/s3gate-credentials",
        "WantedBy": "multi-user.target",
    },
    "s3gate-credentials.service": {
        "Type": "oneshot",
        "RemainAfterExit": "yes",
        "User": "s3gate-credentials",
        "Group": "s3gate-credentials",
        "Before": "s3gate.service",
        "Restart": "on-failure",
        "RestartSec": "5",
        "StartLimitIntervalSec": "0",
        "RuntimeDirectory": "s3gate-credentials",
        "RuntimeDirectoryMode": "0700",
        "RuntimeDirectoryPreserve": "yes",  # a restart that cannot fetch leaves what is there
        "InaccessiblePaths": "-/var/lib/s3gate",
        "WantedBy": "multi-user.target",
    },
    "s3gate-archive.service": {
        "Type": "oneshot",
        "User": "s3gate",
        "Group": "s3gate",
        "ReadOnlyPaths": "/var/lib/s3gate",
        "InaccessiblePaths": "-/run/s3gate-credentials",
    },
    "s3gate-metrics.service": {
        "Type": "oneshot",
        "User": "s3gate-credentials",
        "Group": "s3gate-credentials",
        "RemoveIPC": "yes",
        "InaccessiblePaths": "-/var/lib/s3gate|-/run/s3gate-credentials",
    },
}
FORBIDDEN: Final = {
    "DynamicUser": "workers need one user, the same after each start",
    "MemoryDenyWriteExecute": "cffi's callbacks, which TLS interception uses, need such memory",
    "ReadWritePaths": "only the state directory is written",
    "Environment": "settings are files",
    "PassEnvironment": "settings are files",
    "SetCredential": "a secret in a unit is read by everybody",
    "PermissionsStartOnly": "no command with more rights",
    "RootDirectoryStartOnly": "no command with more rights",
    "SuccessExitStatus": "a failure is told",
}


def parse_unit(text: str) -> dict[str, str]:
    """Directive → value; what is given several times is joined by `|`, and an empty value begins anew."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or line.startswith(("#", ";", "[")):
            continue
        found[name] = f"{found[name]}|{value}" if found.get(name) and value else value
    return found


def find_faults(name: str, text: str) -> list[str]:
    """What a service lacks or has too much, a sentence each.

    Args:
        name: of the file, like `s3gate.service`.
        text: of the unit.
    """
    unit = parse_unit(text)
    faults = [
        f"{name}: {directive}={value} is missing, found {unit.get(directive)!r}"
        for directive, value in {**HARDENED, **OWN[name]}.items()
        if unit.get(directive) != value
    ]
    faults += [f"{name}: {directive}: {why}" for directive, why in FORBIDDEN.items() if directive in unit]
    if name == "s3gate-archive.service" and "RemoveIPC" in unit:
        faults.append(f"{name}: RemoveIPC: its end would take what the gate, of the same user, shares")
    for directive, value in unit.items():
        if directive.startswith("Exec") and value.lstrip("-@:").startswith(("+", "!")):
            faults.append(f"{name}: {directive} runs with more rights")
        if directive.startswith(("ExecStartP", "ExecStop")):
            faults.append(f"{name}: {directive}: the start and the stop are one command each")
    return faults
