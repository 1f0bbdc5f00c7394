"""What a network looks at: SimAM's energies and gates, and Grad-CAM, as arrays; and pictures of them for a run."""
