"""`python -m s3gate`: the same as the command `s3gate`."""

from s3gate.cli import main

if __name__ == "__main__":
    main(prog_name="s3gate")
