"""The daemon as a process of its own: how it starts, serves, stops, dies and comes back."""
