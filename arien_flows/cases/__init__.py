"""Cases above their storage: files, results of jobs, signals between cases, deadlines."""
