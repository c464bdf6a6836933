"""Procedural worlds and the loops that make the packaged weights."""
