"""App info."""
