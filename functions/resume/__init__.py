"""What is going on, and what was next."""
