"""Copying one store into another, between files and PostgreSQL, and back."""
