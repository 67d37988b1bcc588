"""Rows of an export, brought into the caller's account."""
