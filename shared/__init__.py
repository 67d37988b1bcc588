"""What the functions share. Nothing here imports a function."""
