"""What this project's own contestants can be asked to run, one kind a file."""
