"""What an operator runs: packaging, deployment, key rotation."""
