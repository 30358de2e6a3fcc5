"""The gate's own hooks: the names of the methods that answer them."""

from mitmproxy.hooks import all_hooks

from s3gate.proxy import hooks
from s3gate.proxy.gate import GateAddon


def test_each_hook_has_its_method() -> None:
    """Contract: mitmproxy derives the method's name from the class, and registers it."""
    for kind in hooks.GATE_HOOKS:
        assert callable(getattr(GateAddon, kind.name)), f"mitmproxy names {kind.__name__} `{kind.name}` now"
        assert all_hooks[kind.name] is kind


def test_only_completions_are_not_waited_for() -> None:
    waited_for = {kind for kind in hooks.GATE_HOOKS if kind.blocking}
    assert waited_for == set(hooks.GATE_HOOKS) - {hooks.S3gateCompletedHook}
