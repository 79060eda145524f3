"""The command line, as operators and their scripts type it."""
