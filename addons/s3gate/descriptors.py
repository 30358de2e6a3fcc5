"""How many files and connections a process may have open: as many as its settings let clients have.

The normal case under systemd: the unit allows enough, and nothing happens. Started by hand a
process has its shell's soft limit, often 1,024, which a few hundred clients reach: the limit
is raised as far as the system lets anybody raise it (setrlimit(2)).
"""

import resource
from typing import Final

OF_A_CLIENT: Final = 3  # its own connection, the upstream's, a question for the upstream's name
OF_THE_GATE: Final = 256  # journals, links to workers, health, admin, and what Python itself holds


def allow_descriptors(connections: int) -> str | None:
    """Raise this process's soft limit, which its workers inherit, to what so many clients need.

    Args:
        connections: most clients at once.

    Returns:
        One sentence when the system's hard limit is too low; what is over it will be refused.
    """
    needed = OF_THE_GATE + OF_A_CLIENT * connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return None
    return (
        f"{allowed} open files are allowed, `limits.connections` {connections} may need {needed}: "
        "raise the hard limit (`ulimit -Hn`, systemd's LimitNOFILE) or lower `limits.connections`"
    )
