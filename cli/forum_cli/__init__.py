"""The command `forum`. It knows Forum by HTTP only, and imports nothing of the backend."""
