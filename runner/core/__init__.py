"""The pure centre: what a job is, how it moves, what an answer means. No clock, randomness, disk or network."""
