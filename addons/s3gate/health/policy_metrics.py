"""What is counted of the policy and its source: once for the gate, whatever the number of workers.

The normal case: the age is under a look's pause, nothing was refused. An alarm on the age
covers both a source that cannot be read and a policy there that is refused.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

AGE: Final = "s3gate_policy_age_seconds"


class PolicyMetrics:
    """The numbers of one gate's policy."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._age = Gauge(
            AGE, "Seconds since the policy's source last held just this policy.", registry=registry
        )
        self._changes = Gauge(
            "s3gate_policy_changes", "Policies that came into force since the start.", registry=registry
        )
        self._refusals = Gauge(
            "s3gate_policy_refusals", "Policies at the source that were refused.", registry=registry
        )
        self._problem = Gauge(
            "s3gate_policy_problem",
            "1 while the source cannot be read, or holds what is refused.",
            registry=registry,
        )

    def show(self, age_s: float, changes: int, refusals: int, *, problem: bool) -> None:
        """Take over how the policy stands.

        Args:
            age_s: since the source last held just this policy, seconds.
            changes: policies that came into force.
            refusals: policies that were refused.
            problem: whether the source does not hold just this policy now.
        """
        self._age.set(age_s)
        self._changes.set(changes)
        self._refusals.set(refusals)
        self._problem.set(problem)

    def text(self) -> bytes:
        """In the Prometheus text format."""
        return generate_latest(self._registry)
