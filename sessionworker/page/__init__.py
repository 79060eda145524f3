"""The page for operators: which account is in trouble, and how it comes back. It listens at a place of its own.

What it shows is asked of the store through `offload`, as the routes of `web` do; it can do what those do, and no more.
Jinja2 is an extra: nothing outside of this package imports it.
"""
