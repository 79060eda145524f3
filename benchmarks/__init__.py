"""How fast the worker is beside another one, and how it holds up as stores grow. `run.py` is where to start reading."""
