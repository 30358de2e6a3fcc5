"""What another policy would have said about recorded decisions."""
