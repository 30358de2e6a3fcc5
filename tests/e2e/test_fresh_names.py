"""Why s3gate exists: S3's answers change faster than a firewall's cache of them can follow."""

from dataclasses import dataclass, field
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rdatatype
import pytest

from e2e.rig import GOOD, run_rig
from s3gate.demo.dns_server import loopback_pool

pytestmark = pytest.mark.e2e

GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()
CONNECTIONS = 50


@dataclass
class FqdnFirewall:
    """A rule "allow good-bucket.s3…" as firewalls keep it: look the name up now and then, cache the addresses.

    It is a kind one: it asks again before every tenth connection, and never forgets an address.
    """

    dns_port: int
    allowed: set[str] = field(default_factory=set)

    async def refresh(self) -> None:
        query = dns.message.make_query(GOOD, dns.rdatatype.A)
        answer = await dns.asyncquery.udp(query, "127.0.0.1", port=self.dns_port, timeout=5)
        self.allowed |= {str(record.address) for rrset in answer.answer for record in rrset}

    def allows(self, address: str) -> bool:
        return address in self.allowed


async def test_fifty_connections_pass_where_a_cache_of_addresses_refuses(tmp_path: Path) -> None:
    async with run_rig(tmp_path, pool=loopback_pool()) as rig:
        firewall = FqdnFirewall(rig.dns.port)
        refused = 0
        for number in range(CONNECTIONS):
            if number % 10 == 0:
                await firewall.refresh()
            assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")
            refused += not firewall.allows(rig.s3.connections[-1].address)
        done = await rig.recorder.wait_completions(CONNECTIONS)
        dialled = [one.address for one in done]
        answered = {address for _, address in rig.dns.handed_out}
    assert len(set(dialled)) == CONNECTIONS, "each connection went to an address of its own"
    assert set(dialled) <= answered
    assert refused > 0, "the cache would have let everything through: nothing is shown"
