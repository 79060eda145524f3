"""The store on PostgreSQL: rows in place of files, and as many workers on them as people like."""
