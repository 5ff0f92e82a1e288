"""Where secrets come from, and how they reach a runner: by a file of its own in memory, and by nothing else."""
