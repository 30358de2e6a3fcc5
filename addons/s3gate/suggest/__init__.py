"""The fewest rules that would allow what monitor mode let pass."""
