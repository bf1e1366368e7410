"""Hardware in the loop: the same tests wherever the unit runs."""
