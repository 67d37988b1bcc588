"""What every resource does with its rows."""
