"""Statistics of a stream of frames, and what they say. Frames are uint8 arrays (T, H, W, 3)."""
