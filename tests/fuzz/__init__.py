"""Fuzzing: inputs that nobody thought of, guided by what they reach."""
