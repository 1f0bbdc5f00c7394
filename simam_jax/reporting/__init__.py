"""Files and tables drawn from results. Nothing here imports JAX."""
