"""The client for Python programs, against the real Site on a real port, and against servers that misbehave."""
