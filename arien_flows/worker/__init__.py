"""Workers: the processes that do jobs and duties, and the one that looks after them."""
