"""The process beside the gate: asked for each look, given up when it is silent, started again."""

import sys

import pytest

from s3gate.policy.source import Remote, Scheme, SourceText, SourceUnreachable
from s3gate.source.remote import RemoteSource

PLACE = Remote(Scheme.SSM, ("/p",))
ANSWER = '{"data": "YQ==", "version": "1", "cases": null}'


def source(code: str, answer_s: float = 20.0) -> RemoteSource:
    return RemoteSource(PLACE, None, [sys.executable, "-c", code], answer_s)


def test_it_is_asked_for_each_look() -> None:
    code = (
        "import sys; sys.stdin.readline()\n"
        f"for line, answer in zip(sys.stdin, ['{ANSWER}', '{{\"unchanged\": true}}']): print(answer, flush=True)"
    )
    asked = source(code)
    assert asked.look() == SourceText(b"a", "1")
    assert asked.look() is None
    with pytest.raises(SourceUnreachable, match="ssm:///p has ended"):
        asked.look()
    assert asked.look() == SourceText(b"a", "1"), "another was started"
    asked.close()
    assert str(asked) == "ssm:///p"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise SystemExit(3)", "has ended"),
        ("import signal; signal.pause()", "was not read within 0.5 s"),
        ("import sys; sys.stdin.readline(); sys.stdin.readline(); print('x')", "gave no answer"),
    ],
)
def test_what_does_not_answer_is_told(code: str, told: str) -> None:
    silent = source(code, 0.5 if "pause" in code else 20.0)
    with pytest.raises(SourceUnreachable, match=told):
        silent.look()
    silent.close()


def test_one_that_cannot_be_started_is_told() -> None:
    with pytest.raises(SourceUnreachable, match="nothing can be started"):
        RemoteSource(PLACE, None, ["/nonexistent/python"]).look()
