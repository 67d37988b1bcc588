"""What was deleted within 30 days."""
