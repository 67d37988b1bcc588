"""Whose GitHub token is used, and how it is renewed."""
