"""Readers of one kind of place each, for the sources to be made of. They change nothing where they read."""
