"""Where the policy is read from, as the running gate sees it: a file, or a process that looks into AWS."""
