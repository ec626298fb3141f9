"""Algorithm 1, and where and how it computes."""
