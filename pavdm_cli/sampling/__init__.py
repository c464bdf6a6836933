"""The method: schedules, the noise algebra, the one loop. Knows tensors and levels, no model by name."""
