"""What changes as stores grow, days pass, values are large and the worker is stopped.

Most of it needs workers whose process and store are at hand, so it always starts its own. What can be measured at an
address alone is measured on the other worker, too.
"""
