"""What a load balancer and an operator ask while the gate runs: alive, ready, how much."""
