"""The same list for every other layer: endpoint, bucket and user policies, and a Squid list; pure."""
