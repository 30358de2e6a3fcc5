"""Free TCP ports for processes that must be told theirs."""

import contextlib
import socket


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Different ports that are free now; another program may still take one before it is used.

    Args:
        count: how many.
        host: the address they must be free on.

    Returns:
        TCP ports.
    """
    with contextlib.ExitStack() as held:
        sockets = [
            held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)
        ]
        for one in sockets:
            one.bind((host, 0))
        return tuple(one.getsockname()[1] for one in sockets)
