"""A whole small world on loopback: names, certificates, an S3, CloudWatch, and the story told with them."""
