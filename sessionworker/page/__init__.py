"""The page for operators: what a browser sees of the worker, and how it gets in."""
