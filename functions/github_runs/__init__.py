"""Imports and re-syncs that have run."""
