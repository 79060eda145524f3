"""A durable store for WhatsApp session files, served over HTTP on port 5656."""
