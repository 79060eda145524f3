"""Moving in and out: reading accounts where other programs keep them, and writing them as those programs want them.

`found` is what a source of accounts is to everything else here, `notes` all that a person is told of what was found.
`encodings` and `baileys_names` are how values and names lie there, `judging` says whether an account is whole.
`readers` read one kind of place each (folders, SQLite, Redis, SQL, MongoDB); `sources` are the programs, made of them.
`targets` write an account as one of them keeps it.
Nothing here knows a store: what is imported goes to a worker, through `client`.
"""
