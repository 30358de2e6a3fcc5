"""What is kept of every decision: the record, its chain, the journal, and its way to CloudWatch."""
