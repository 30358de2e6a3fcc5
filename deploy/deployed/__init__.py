"""`deploy/smoke`: is what was deployed at work?"""
