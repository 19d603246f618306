"""Long work: what a job is to the code that does it, and where its files lie."""
