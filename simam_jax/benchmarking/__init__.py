"""Speed and memory beside named peers, each contestant a process of its own."""
