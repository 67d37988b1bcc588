"""The stored GitHub token."""
