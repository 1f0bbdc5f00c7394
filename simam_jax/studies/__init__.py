"""Networks with an attention compared with the same networks without it, over seeds."""
