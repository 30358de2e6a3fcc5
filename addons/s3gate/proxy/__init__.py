"""The data path; mitmproxy lives here and nowhere else."""
