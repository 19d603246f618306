"""What investigators bring: files, archives and tables, read as single documents."""
