"""Which proxy user a request comes from: by its own credentials, or in a tunnel by its CONNECT's.

The normal case: no credentials, no user. With a users file, those of a CONNECT or of a
request in clear text must be right; they hold for the tunnel as long as the user's line in
the file stays as it is. Credentials inside of a tunnel are nobody's business: they are
neither read nor forwarded. The verdict on whoever is unproven is the policy's.
"""

from dataclasses import replace

from s3gate.proxy.basic_auth import parse_basic
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.passwords import Passwords


async def identify(passwords: Passwords | None, exchange: Exchange) -> None:
    """Put the user into the exchange's request, or that what was sent proves none.

    Args:
        passwords: of the users; None when there are none, and nothing is asked.
        exchange: of a CONNECT, or of a request without a tunnel.

    Raises:
        TooBusy: too many passwords wait to be checked.
    """
    request = exchange.request
    values = [value for name, value in request.headers if name.lower() == "proxy-authorization"]
    if passwords is None or not values:
        return
    credentials, client = parse_basic(values), request.client
    if credentials is None:
        exchange.request = replace(request, client=replace(client, unproven=""))
        return
    exchange.proof = await passwords.check(credentials, client.address)
    if exchange.proof is None:
        told = replace(client, unproven=passwords.known(credentials.user))
    else:
        told = replace(client, user=credentials.user)
    exchange.request = replace(request, client=told)


def recall(passwords: Passwords | None, exchange: Exchange) -> None:
    """Take the user of a tunnel back when the hash that proved it is not in force any more.

    Args:
        passwords: of the users.
        exchange: of a request inside a tunnel.
    """
    client = exchange.request.client
    if client.user is None:
        return
    if passwords is None or exchange.proof is None or not passwords.holds(client.user, exchange.proof):
        told = replace(client, user=None, unproven=client.user)
        exchange.request = replace(exchange.request, client=told)
