"""What strangers may hand to the worker: names, heads, tokens, and files that somebody else wrote.

Whatever it is, it ends in what the code says that it ends in: a value, or a refusal that is foreseen. Never in another
exception, nor in a wait, nor in more memory than the thing itself takes a few times. A run is bounded, to be a part of
each; with `--full` it is a hundred times as long. What was found stays here as an example.
"""
