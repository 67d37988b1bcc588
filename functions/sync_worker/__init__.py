"""The re-sync itself."""
