"""Which way requests to a bucket went, from what CloudTrail wrote about them."""
