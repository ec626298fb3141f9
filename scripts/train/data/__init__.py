"""Images, splits, labels files, and what the mux learns from."""
