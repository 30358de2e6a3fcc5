"""Runs a command under a unit's system call filter, as systemd would set it: confined.py UNIT COMMAND...

The normal case reads `SystemCallFilter=` and `UMask=` of the unit, sets no_new_privs, asks
`systemd-analyze syscall-filter` what the groups mean, gives it all to libseccomp and becomes the command. A call that
is not allowed gets EPERM, as `SystemCallErrorNumber=EPERM` says.
"""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from drive.unit_rules import parse_unit

# seccomp.h, seccomp_init(3)
ALLOW: Final = 0x7FFF0000
ERRNO: Final = 0x00050000
PR_SET_NO_NEW_PRIVS: Final = 38  # linux/prctl.h


def expand(word: str) -> set[str]:
    """The calls of a group (`@name`), nested ones too, or a call itself."""
    if not word.startswith("@"):
        return {word}
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in text.splitlines()[1:]]
    return {name for line in lines if line and not line.startswith("#") for name in expand(line)}


def allowed_calls(unit: dict[str, str]) -> set[str]:
    """What the filter lets pass: the first line allows, those that begin with `~` take away."""
    calls: set[str] = set()
    for line in unit["SystemCallFilter"].split("|"):
        names = {name for word in line.removeprefix("~").split() for name in expand(word)}
        calls = calls - names if line.startswith("~") else calls | names
    return calls | expand("@default")


def confine(unit: dict[str, str]) -> None:
    """Set the filter on this process and all that it starts."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(ERRNO | errno.EPERM)
    for name in sorted(allowed_calls(unit)):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else not a call of this processor
            library.seccomp_rule_add(context, ALLOW, number, 0)
    if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or library.seccomp_load(context):
        raise SystemExit("the filter cannot be set")


if __name__ == "__main__":
    rules = parse_unit(Path(sys.argv[1]).read_text(encoding="utf-8"))
    confine(rules)
    os.umask(int(rules["UMask"], 8))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - it becomes the command
