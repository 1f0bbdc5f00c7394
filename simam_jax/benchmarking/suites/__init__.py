"""What is measured, one suite a file. Each is a generator of rows, a case at a time."""
