"""Everything that the caller's account has, to be taken elsewhere."""
