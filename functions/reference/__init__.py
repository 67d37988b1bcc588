"""The contract, to read and to try."""
