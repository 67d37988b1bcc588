"""The history of the caller's rows."""
