"""Session files that are broken on the disk: no client is told that an identity is not there when it was.

A client asks to create its instance before each connect, and takes a refusal of that for a reason to wait. After a 204
it asks for its `creds`, and makes a new identity unless it gets them.
"""
