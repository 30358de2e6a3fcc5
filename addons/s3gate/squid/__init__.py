"""What a Squid whitelist says, read as Squid 5 reads it."""
