"""What both sides of TLS share: it starts in our layers alone, and mitmproxy's are as they were."""

import pytest
from mitmproxy.proxy import tunnel
from mitmproxy.proxy.layers import tls

from drive.layers import make_context
from s3gate.proxy.tunnel import GateTls


def test_mitmproxys_own_start_of_tls_is_closed() -> None:
    with pytest.raises(AssertionError):
        list(GateTls(make_context(), make_context().client).start_tls())


def test_contract_tls_layer() -> None:
    """What of mitmproxy's TLSLayer and TunnelLayer is overridden or called."""
    for name in (
        "start_tls",
        "tls_interact",
        "receive_handshake_data",
        "receive_data",
        "receive_close",
        "send_data",
        "send_close",
        "on_handshake_error",
    ):
        assert callable(getattr(tls.TLSLayer, name, None)), f"mitmproxy's TLSLayer.{name} moved"
    for name in (
        "start_handshake",
        "event_to_child",
        "_handle_event",
        "_handle_command",
        "_handshake_finished",
    ):
        assert callable(getattr(tunnel.TunnelLayer, name, None)), f"mitmproxy's TunnelLayer.{name} moved"
    assert tls.TLSLayer.tls is None, "mitmproxy's TLSLayer.tls is no longer None before the handshake"
    assert {state.name for state in tunnel.TunnelState} == {"INACTIVE", "ESTABLISHING", "OPEN", "CLOSED"}
