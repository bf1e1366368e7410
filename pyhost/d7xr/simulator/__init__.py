"""The simulated car: a plant in C, ground, driver and sensors, in closed loop with the unit.

Car and unit meet through CAN frames alone. The equations stand in ``docs/simulator.md``.
"""
