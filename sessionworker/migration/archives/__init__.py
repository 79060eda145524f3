"""The worker's own archive: one file with accounts, from which each comes back byte for byte."""
