"""An event loop in a thread of its own, for asyncio servers beside code that is not asynchronous."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Final, Self

CALL_TIMEOUT_S: Final = 30.0
"""Seconds for one coroutine; each starts or stops a server, which takes milliseconds."""


class LoopThread:
    """The thread; `with LoopThread() as loop: loop.run(server.start())`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)

    def run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine on the loop and give its result.

        Args:
            coroutine: is awaited in the thread.

        Returns:
            What it returns.

        Raises:
            TimeoutError: it takes longer than CALL_TIMEOUT_S.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel what still runs, stop the loop and wait for the thread."""
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
