"""Marks are put wherever something is secret, and looked for in all that a worker lets out."""
