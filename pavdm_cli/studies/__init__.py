"""The experiments of the two papers, and our own, on the packaged models."""
