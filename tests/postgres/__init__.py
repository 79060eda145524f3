"""A real PostgreSQL, which tests start by themselves, and of which nothing stays however they end."""
