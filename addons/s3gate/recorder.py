"""What the gate decides → the journal: the one place where proxy and audit meet.

The normal case: a decision is rendered, appended, counted, and only then takes
effect. When the journal cannot take it the gate hears AuditUnavailable and denies.
"""

import asyncio
import logging
from datetime import UTC, datetime
from functools import cache
from typing import Final

from s3gate.audit.heartbeat import Tally
from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal, JournalUnavailable, Kind, Position
from s3gate.audit.key_form import FULL, KeyForm
from s3gate.audit.record import SELFTEST, Transfer, render_completion, render_decision
from s3gate.audit.record import Upstream as RecordedUpstream
from s3gate.health.metrics import Metrics
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Request
from s3gate.proxy.ports import AuditUnavailable, Completion, Upstream
from s3gate.proxy.selftest import Nonce

CLIENT_CLOSED: Final = "client_closed"  # of a transfer that ended without a reason: its client went away

_log = logging.getLogger(__name__)


class JournalRecorder:
    """Writes what the gate decides into the journal, and counts it.

    Args:
        journal: open.
        metrics: of this worker.
        tally: what the next heartbeat tells.
        keys: how object keys are recorded.
        nonce: by which the self-test is known.
    """

    def __init__(
        self,
        journal: Journal,
        metrics: Metrics,
        tally: Tally,
        keys: KeyForm = FULL,
        nonce: Nonce | None = None,
    ) -> None:
        self._journal, self._metrics, self._tally, self._keys = journal, metrics, tally, keys
        self._nonce = nonce
        # Looked up once: a labelled counter costs three times as much to find as to count.
        self._decided = cache(metrics.decisions.labels)
        self._transferred = cache(metrics.transfers.labels)
        self._failed = cache(metrics.transfers_failed.labels)
        self._up, self._down = metrics.body_bytes.labels("up"), metrics.body_bytes.labels("down")
        self._riding: set[asyncio.Future[Position]] = set()

    async def decision(
        self, decision: Decision, request: Request, upstream: Upstream | None, decision_id: str
    ) -> None:
        """Record one decision; returns when it is durable.

        Raises:
            AuditUnavailable: it cannot be written.
        """
        where = None
        if upstream is not None:
            where = RecordedUpstream(upstream.addresses, upstream.ttl_s, upstream.reused)
        record = render_decision(
            decision,
            request,
            audit_id=new_id(),
            decision_id=decision_id,
            time=request.now,
            upstream=where,
            keys=self._keys,
        )
        if not decision.allowed and self._nonce is not None and self._nonce.spend(request):
            # Nobody was refused: no start may raise the alarm for denials, nor count as one.
            await self._append(record | {"event": SELFTEST}, Kind.DENY)
            return
        await self._append(record, Kind.ALLOW if decision.allowed else Kind.DENY)
        if decision.reason is Reason.DNS_FAILURE:
            self._metrics.dns_failures.inc()
        self._decided(decision.word, decision.reason.value).inc()
        self._tally.decided(decision.reason.value)

    def completion(self, completion: Completion) -> None:
        """Hand over how an allowed request ended; it is durable soon.

        Raises:
            AuditUnavailable: it cannot be written.
        """
        transfer = Transfer(
            status=completion.status,
            bytes_up=completion.bytes_up,
            bytes_down=completion.bytes_down,
            duration_us=completion.duration_us,
            first_byte_us=completion.first_byte_us,
            address=completion.address,
            port=completion.port,
            ttl_s=completion.ttl_s,
            reused=completion.reused,
            request_id=completion.request_id,
            id_2=completion.id_2,
            reason=completion.reason,
            detail=completion.detail,
            complete=completion.complete,
        )
        record = render_completion(
            transfer, audit_id=new_id(), decision_id=completion.decision_id, time=datetime.now(UTC)
        )
        try:
            waiting = self._journal.ride(record, Kind.COMPLETION)
        except JournalUnavailable as exc:
            self._lost()
            raise AuditUnavailable(str(exc)) from exc
        self._riding.add(waiting)
        waiting.add_done_callback(self._landed)
        status = f"{completion.status // 100}xx" if completion.status else "none"
        self._transferred(status).inc()
        if not completion.complete:
            why = completion.reason.value if completion.reason is not None else CLIENT_CLOSED
            self._failed(why).inc()
        if completion.first_byte_us is not None:
            self._metrics.took("first_byte", completion.first_byte_us / 1e6)
        self._up.inc(completion.bytes_up)
        self._down.inc(completion.bytes_down)

    async def _append(self, record: dict[str, object], kind: Kind) -> None:
        try:
            await self._journal.append(record, kind)
        except JournalUnavailable as exc:
            self._lost()
            raise AuditUnavailable(str(exc)) from exc

    async def settle(self) -> None:
        """Return once every completion that was handed over is durable, or lost and counted."""
        self._journal.depart()
        if self._riding:
            await asyncio.wait(self._riding)

    def _landed(self, waiting: asyncio.Future[Position]) -> None:
        self._riding.discard(waiting)
        if not waiting.cancelled() and (problem := waiting.exception()) is not None:
            self._lost()
            _log.error("a completion could not be recorded: %s", problem)

    def _lost(self) -> None:
        self._metrics.audit_unavailable.inc()
        self._tally.failed()
