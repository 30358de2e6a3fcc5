"""The protocols: the real policy rules are a judge, and a failure to record is an exception of its own."""

import inspect

from s3gate.policy import decide
from s3gate.proxy.ports import AuditUnavailable, Judge, Upstream


def test_the_policys_own_functions_are_a_judge() -> None:
    judge: Judge = decide
    for name in ("decide_connect", "decide_tls", "decide_request", "decide_addresses"):
        ours = [one for one in inspect.signature(getattr(Judge, name)).parameters if one != "self"]
        assert len(inspect.signature(getattr(judge, name)).parameters) == len(ours)


def test_values() -> None:
    assert Upstream(("192.0.2.1",), 5) == Upstream(("192.0.2.1",), 5, reused=False)
    assert issubclass(AuditUnavailable, Exception)
