"""The simulated car: proofs of the plant, its sensors, the closed loop and its scenarios."""
