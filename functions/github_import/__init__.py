"""What is on GitHub, and its import."""
