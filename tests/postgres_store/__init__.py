"""The store on PostgreSQL where the database is away, hangs, or others use it at the same time."""
