"""The policy's own numbers, under their Prometheus names."""

from s3gate.health.policy_metrics import PolicyMetrics


def test_each_number_has_its_name() -> None:
    metrics = PolicyMetrics()
    metrics.show(1.5, 2, 3, problem=True)
    lines = metrics.text().decode().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {
        "s3gate_policy_age_seconds 1.5",
        "s3gate_policy_changes 2.0",
        "s3gate_policy_refusals 3.0",
        "s3gate_policy_problem 1.0",
    }
