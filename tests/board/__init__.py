"""The board: its image under the emulators, its drivers, and its memory."""
