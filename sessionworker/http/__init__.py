"""The HTTP machine: connections, what their requests may cost, how answers are sent, and how all of it ends.

It knows no route, no token, no store and no metrics: `ports` says what it is handed.
"""
