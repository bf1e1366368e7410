"""Writes docs/flight_mode_figures.md: drives the sweeps from which its figures come."""
