"""A canary through the alarm chain: one request that must be refused, followed until it wakes somebody."""
