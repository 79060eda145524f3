"""The wire protocol: each route with its successes and its errors, against the real site, tree and store."""
