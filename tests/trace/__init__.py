"""Traces: every format reads to the same columns, and nothing is lost in silence."""
