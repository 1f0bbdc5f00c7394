"""Pure functions on arrays: no parameters, no state; one module an operation, such as `ops.simam.simam`."""
