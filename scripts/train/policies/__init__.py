"""Rules over measured outputs, and the search for their settings."""
