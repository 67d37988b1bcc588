"""What each entity looks like when it is read, for every function that shows it, alone or nested."""
