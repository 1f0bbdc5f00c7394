"""State, step, schedule, checkpoints, metrics and the loop that ties them together."""
