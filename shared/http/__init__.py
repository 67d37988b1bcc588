"""What makes an HTTP function."""
