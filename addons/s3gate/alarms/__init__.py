"""What wakes somebody. Pure: the filters and alarms as data, and what CloudWatch would make of them."""
