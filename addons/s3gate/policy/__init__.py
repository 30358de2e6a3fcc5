"""May it? Pure: a policy and a request in, one decision with its reason out."""
