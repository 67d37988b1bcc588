"""A re-sync on request."""
