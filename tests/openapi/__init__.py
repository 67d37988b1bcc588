"""The contract in openapi.json, held against the code in both directions."""
