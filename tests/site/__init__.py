"""The server itself: broken HTTP, limits in bytes and in seconds, and an end that answers what is under way."""
