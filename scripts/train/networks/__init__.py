"""Networks by name, and what they cost."""
