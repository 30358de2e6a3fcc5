"""The gate's own hooks: the names of the methods that answer them."""

from mitmproxy.hooks import all_hooks

from s3gate.proxy import hooks
from s3gate.proxy.gate import GateAddon


def test_each_hook_has_its_method() -> None:
    """Contract: mitmproxy derives the method's name from the class, and registers it."""
    for kind in (hooks.S3gateHelloHook, hooks.S3gateRefusedHook, hooks.S3gateCompletedHook):
        assert callable(getattr(GateAddon, kind.name)), f"mitmproxy names {kind.__name__} `{kind.name}` now"
        assert all_hooks[kind.name] is kind


def test_only_completions_are_not_waited_for() -> None:
    assert hooks.S3gateHelloHook.blocking is True
    assert hooks.S3gateRefusedHook.blocking is True
    assert hooks.S3gateCompletedHook.blocking is False
