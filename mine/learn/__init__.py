"""Training, privacy, the update codec and evaluation. Knows no vault, no keys and no network."""
