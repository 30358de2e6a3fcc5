"""The gate for stock mitmproxy: `mitmdump -s addons/s3gate_addon.py --set s3gate_config=config/s3gate.yaml`.

For watching flows (`mitmweb -s …`); in production run `s3gate run`, which loads no scripts.
The same hooks, layers, policy and journal; options that would open the gate are refused.
"""

from s3gate.app import open_embedded
from s3gate.proxy.embedded import EmbeddedGate

addons = [EmbeddedGate(open_embedded)]
