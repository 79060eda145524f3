"""The worker's side of HTTP: URL to store call, store call to response."""
