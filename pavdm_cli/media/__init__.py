"""Video files in and out, streaming; settings stored in them. Frames are uint8 arrays (T, H, W, 3)."""
