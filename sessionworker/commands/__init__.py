"""`sessionworker`, the command line: what an operator asks of a worker, or does with a store.

Each command speaks to a worker over HTTP (`asking`), also where a store has none running: then one is started for as
long as the command takes (`hosting`). What all of them have in common stands in `given` (options), `endings` (exit
statuses) and `showing` (what is printed, and what is asked).
"""
