"""Many jobs, one row each."""
