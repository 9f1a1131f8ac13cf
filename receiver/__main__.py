"""`python -m receiver` is the command `alert-receiver`."""

from receiver.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
