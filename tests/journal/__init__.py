"""The journal: what was appended comes back whole and in order, or the start stops and nothing is thrown away."""
