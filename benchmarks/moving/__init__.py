"""How moving in scales: an Evolution's accounts are imported into a worker that serves others meanwhile."""
