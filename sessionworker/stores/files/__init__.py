"""The file store: session files as plain files, behind a journal."""
