"""The programs that accounts can come from, one module each, made of readers."""
