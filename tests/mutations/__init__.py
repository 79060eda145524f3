"""Faults that are planted in the code, one at a time, to see that the tests notice each of them.

`python -m tests.mutations [NAME...]` plants those whose names hold one of these texts, or all of them. That takes
minutes, so it is no part of `make test`. How it is done stands in `run`, and what is planted in the other modules.

A fault that is not noticed is a promise that no test holds the code to. One that cannot be planted any more, since the
code has changed, is an error: it is to be brought up to date, or another is to take its place.
"""
