"""Ways out: an account as other programs keep it. Nothing that is there already is ever written to."""
