"""What every store must agree on, as functions of what they are given: no disk and no server is asked for here."""
