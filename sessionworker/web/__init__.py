"""The worker's HTTP side: URL to store call, store call to response."""
