"""The schedule's side of the re-sync."""
