"""AWS asked from outside the data path: where boto3 lives, beside the shipping of records."""
