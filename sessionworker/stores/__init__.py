"""Where session files are kept. Plain synchronous Python: no Twisted, no HTTP."""
