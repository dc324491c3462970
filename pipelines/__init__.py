"""What runs: the jobs, and every door to the outside."""
