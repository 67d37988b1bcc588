"""AWS's clients, and the secrets that AWS keeps."""
