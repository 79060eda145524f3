"""Events that are sent to an address: what waits, what is tried again, what is signed, and what is never held up."""
