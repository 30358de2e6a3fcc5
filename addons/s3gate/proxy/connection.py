"""One accepted connection, run by mitmproxy's handler with our reading: big, and only when there is room.

The normal case: read what the peer sent, give it to the layers, do what they ask for,
wait until the other side has taken it. While a verdict is awaited the client is not read
at all; its bytes stay in the kernel.

mitmproxy starts a named task for every hook and every timer and takes a lock for every
event; that was a third of a small request. Here a hook runs at once, as far as it gets
without waiting, and a timer is the event loop's own.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from typing import Final

from mitmproxy.connection import Connection, ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, mode_specs, server, server_hooks

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client
from s3gate.proxy.exchange import Session
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.hooks import S3gateCompletedHook
from s3gate.proxy.side import Side
from s3gate.proxy.wire import Wire, dial_wire, wire_of

_log = logging.getLogger(__name__)

BROKEN: Final = "s3gate: the gate broke before the dial"
_REGULAR: Final = mode_specs.ProxyMode.parse("regular")


class GateConnection(server.LiveConnectionHandler):
    """A client's connection with everything that belongs to it.

    Args:
        options: mitmproxy's, checked.
        gate: the addon.
        reader: of the accepted socket.
        writer: of the accepted socket.
        client: who is on the other end.
    """

    def __init__(
        self,
        options: Options,
        gate: GateAddon,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: Client,
    ) -> None:
        super().__init__(reader, writer, options, _REGULAR)
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._events: deque[events.Event] = deque()
        self._dispatching = False
        self._hooks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self.session = Session(client)
        gate.sessions[self.client.id] = self.session
        self.layer = gate.first_layer(self.layer.context)

    async def handle_client(self) -> None:
        """Serve the client until its end."""
        try:
            await super().handle_client()
        finally:
            for timer in self._timers:
                timer.cancel()

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Run a hook; nothing times out meanwhile. What the gate does not answer is denied."""
        handler = getattr(self._gate, hook.name, None)
        if handler is None:
            return
        try:
            waiting = handler(*hook.args())
            if waiting is not None:
                with self.timeout_watchdog.disarm():
                    await waiting
        except Exception:  # noqa: BLE001 - the gate: an exchange without a verdict is a denial
            _log.exception("the gate broke at %s; what it was to judge is denied", hook.name)
            if isinstance(hook, server_hooks.ServerConnectHook):
                hook.data.server.error = BROKEN

    async def server_event(self, event: events.Event) -> None:
        """What mitmproxy calls to tell the layers something."""
        self.tell(event)

    def tell(self, event: events.Event) -> None:
        """Give the layers an event and do what they ask for; one that comes meanwhile waits its turn."""
        self._events.append(event)
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._events:
                self.timeout_watchdog.register_activity()  # type: ignore[no-untyped-call] # mitmproxy has no type here
                for command in self.layer.handle_event(self._events.popleft()):
                    self._obey(command)
        except Exception:  # noqa: BLE001 - the gate: a connection whose layers broke goes no further
            _log.exception("the layers of a connection broke; it is closed")
            self._events.clear()
            self.cancel()
        finally:
            self._dispatching = False

    def _obey(self, command: commands.Command) -> None:
        """Do what a layer asks for."""
        if isinstance(command, commands.ConnectionCommand):
            self._obey_about(command)
        elif isinstance(command, commands.StartHook):
            self._run(command)
        elif isinstance(command, commands.RequestWakeup):
            self._wake_up(command)
        elif isinstance(command, commands.Log):
            _log.log(command.level, command.message)
        else:
            raise TypeError(f"unknown command {command!r}")

    def _obey_about(self, command: commands.ConnectionCommand) -> None:
        """Do what a layer asks for with a connection."""
        if isinstance(command, commands.OpenConnection):
            dialling = self._loop.create_task(self.open_connection(command))
            self.transports[command.connection] = server.ConnectionIO(handler=dialling)
        elif command.connection not in self.transports:
            return  # it is closed already
        elif isinstance(command, commands.SendData):
            writer = self.transports[command.connection].writer
            if writer is not None and not writer.is_closing():
                writer.write(command.data)
        elif isinstance(command, commands.CloseTcpConnection):
            self.close_connection(command.connection, command.half_close)
        elif isinstance(command, commands.CloseConnection):
            self.close_connection(command.connection)
        else:
            raise TypeError(f"unknown command {command!r}")

    async def _run_hook(self, hook: commands.StartHook) -> None:
        await self.handle_hook(hook)
        if hook.blocking:
            self.tell(events.HookCompleted(hook))

    def _run(self, hook: commands.StartHook) -> None:
        """Run a hook as far as it gets without waiting; the rest is a task's."""
        if isinstance(hook, S3gateCompletedHook):
            self._gate.s3gate_completed(hook.completion)
            return
        task = asyncio.Task(self._run_hook(hook), loop=self._loop, eager_start=True)
        if not task.done():
            self._hooks.add(task)
            task.add_done_callback(self._hooks.discard)

    def _wake_up(self, command: commands.RequestWakeup) -> None:
        def ring() -> None:
            self._timers.discard(timer)
            self.tell(events.Wakeup(command))

        timer = self._loop.call_later(command.delay, ring)
        self._timers.add(timer)

    async def on_timeout(self) -> None:
        """Nothing moved for too long."""
        self.session.cut = Reason.TIMEOUT
        await super().on_timeout()

    def cancel(self) -> None:
        """Close now."""
        io = self.transports.get(self.client)
        if io is not None and io.handler is not None:
            io.handler.cancel("closed by the gate")

    async def open_connection(self, command: commands.OpenConnection) -> None:
        """Dial what the gate's last word lets be dialled, then read it until its end."""
        upstream = command.connection
        if not isinstance(upstream, Server) or upstream.address is None:
            raise TypeError("only an upstream with an address is dialled")
        hook = server_hooks.ServerConnectHook(server_hooks.ServerConnectionHookData(upstream, self.client))
        await self.handle_hook(hook)
        if upstream.error is not None:
            self.tell(events.OpenConnectionCompleted(command, upstream.error))
            return
        try:
            writer = await dial_wire(*upstream.address)
        except OSError as exc:
            upstream.error = str(exc)
            self.tell(events.OpenConnectionCompleted(command, upstream.error))
            return
        upstream.state = ConnectionState.OPEN
        upstream.peername = writer.get_extra_info("peername")
        upstream.sockname = writer.get_extra_info("sockname")
        self.transports[upstream].writer = writer
        self.tell(events.OpenConnectionCompleted(command, None))
        await self.handle_connection(upstream)

    async def handle_connection(self, connection: Connection) -> None:
        """Read a connection until its end, then wait until our half is closed too."""
        cancelled: asyncio.CancelledError | None = None
        wire = wire_of(self.transports[connection].writer)
        if connection is self.client:
            self.session.valve.turns(wire.hold, wire.let_go)
            wire.watch_by(self._gate.services.resets, self.cancel)
        side = Side(connection, wire, self.tell, self.wires)
        try:
            await side.run()
            connection.state &= ~ConnectionState.CAN_READ
        except OSError:  # reset: our half is gone too
            connection.state = ConnectionState.CLOSED
        except asyncio.CancelledError as exc:
            cancelled = exc
            connection.state = ConnectionState.CLOSED
        self.tell(events.ConnectionClosed(connection))
        if connection.state is ConnectionState.CAN_WRITE:
            try:
                await side.lost()
            except asyncio.CancelledError as exc:
                cancelled = exc
            if connection.state is ConnectionState.CAN_WRITE:  # no layer closed it
                connection.state = ConnectionState.CLOSED
                self.tell(events.ConnectionClosed(connection))
        io = self.transports.pop(connection)
        if isinstance(io.writer, asyncio.StreamWriter) and connection is self.client:
            io.writer.close()
        elif isinstance(io.writer, asyncio.StreamWriter):
            io.writer.transport.abort()  # what the upstream did not take is not for it any more
        if cancelled is not None:
            raise cancelled

    def wires(self) -> Iterator[Wire]:
        """Those of the client and of the upstream, as far as they stand."""
        return (wire_of(io.writer) for io in self.transports.values() if io.writer is not None)
