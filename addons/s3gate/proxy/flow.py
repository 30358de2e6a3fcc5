"""mitmproxy's view of an exchange: a flow for its hooks and for whoever watches in mitmweb.

The flow is a picture. What other addons change in it changes nothing on the wire: the
layers forward the judged bytes, and the verdict stands beside the flow, not in it.
"""

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.proxy.context import Context

from s3gate.policy.reading import Request
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.head import RequestHead

_exchanges: WeakKeyDictionary[http.HTTPFlow, Exchange] = WeakKeyDictionary()


def register(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """Remember which exchange a flow pictures, as long as the flow lives."""
    _exchanges[flow] = exchange


def exchange_of(flow: http.HTTPFlow) -> Exchange | None:
    """The exchange that a flow pictures; None for a flow that is not of our layers."""
    return _exchanges.get(flow)


def show_answer(
    flow: http.HTTPFlow, status: int, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> None:
    """Put an answer into the picture; bodies that stream are not kept."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    flow.response = http.Response.make(status, body, http.Headers(fields))


def make_flow(context: Context, head: RequestHead, request: Request) -> http.HTTPFlow:
    """A flow that shows a request.

    Args:
        context: of the layer that read it.
        head: as sent.
        request: what is judged.
    """
    flow = http.HTTPFlow(context.client, context.server, live=True)
    name, _, port = (request.authority or request.connect or "").partition(":")
    flow.request = http.Request(
        host=name,
        port=int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 443,
        method=head.method.encode("latin-1"),
        scheme=request.scheme.encode("ascii"),
        authority=head.target.encode("latin-1") if head.method == "CONNECT" else b"",
        path=request.target.encode("latin-1"),
        http_version=head.http_version.encode("ascii"),
        headers=http.Headers(
            [
                (key.encode("latin-1"), value.encode("latin-1"))
                for key, value in head.headers
                if key.lower() != "proxy-authorization"  # no password in anybody's picture
            ]
        ),
        content=b"",
        trailers=None,
        timestamp_start=request.now.timestamp(),
        timestamp_end=None,
    )
    return flow
