"""The documents say what the program does: settings, routes, sentences, limits, metrics, log lines and commands."""
