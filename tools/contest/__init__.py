"""The contest of detectors: threshold and dwell, as the unit has it, against a sequential test."""
