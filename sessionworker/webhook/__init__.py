"""Events, told to an address that the operator chose: see `telling`."""
