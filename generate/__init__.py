"""What can be derived from the code is made here, committed, and compared by `python -m generate --check`."""
