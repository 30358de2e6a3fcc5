"""The canary: refused by the real gate, let through by another proxy, unanswered."""

import asyncio
from pathlib import Path

from e2e.rig import REGION, run_rig
from one_answer import one_answer
from s3gate.doctor.finding import Outcome
from s3gate.doctor.refusal import check_canary, without_canary
from s3gate.policy.decision import Reason


async def test_the_gate_refuses_it(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig:
        url = f"http://user:secret@127.0.0.1:{rig.gate.port}"
        (found,) = await asyncio.to_thread(check_canary, url, rig.ca_file, REGION)
        assert found.outcome is Outcome.FINE, found
        assert "BUCKET_NOT_LISTED" in found.detail
        assert rig.recorder.reasons == [Reason.BUCKET_NOT_LISTED]
        assert not rig.s3.touched


def test_what_lets_it_through_is_wrong(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\nx-s3gate-decision: deny\r\ncontent-length: 0\r\n\r\n"
    (tmp_path / "ca.pem").write_text("")
    with one_answer(answer) as url:
        (found,) = check_canary(url, _ca(tmp_path), REGION)
    assert (found.outcome, "no refusal of s3gate" in found.detail) == (Outcome.WRONG, True)


def test_silence_is_not_known_and_the_password_is_not_shown(tmp_path: Path) -> None:
    (found,) = check_canary("http://user:secret@127.0.0.1:1", _ca(tmp_path), REGION)
    assert found.outcome is Outcome.UNKNOWN
    assert "http://127.0.0.1:1" in found.detail
    assert "secret" not in found.detail


def test_nobody_asked_for_it() -> None:
    (found,) = without_canary()
    assert (found.outcome, "--canary" in found.detail) == (Outcome.LEFT_OUT, True)


def _ca(directory: Path) -> Path:
    from s3gate.demo.certificates import Authority  # noqa: PLC0415 - for these two alone

    path = directory / "ca.pem"
    path.write_bytes(Authority.make("a CA").pair.certificate)
    return path
