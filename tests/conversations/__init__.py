"""Odd conversations: what careless clients, odd proxies and attackers say on a connection."""
