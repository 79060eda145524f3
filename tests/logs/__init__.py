"""What operators read: one line for each event, in UTC, as text or as JSON, whatever happens and whoever listens."""
