"""The same bytes on the chip: every recording, and canaries of the comparison."""
