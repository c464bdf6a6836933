"""The figures of Meta-ARVDM (arXiv 2503.10704) that the study of memory lays its own beside.

Rows are named as in `training.memory`; values are of gaps 0-16, 16-48 and 48-112 frames.
"""

RATE = {
    "prepend-16": (0.52, 0.03, 0.00),
    "prepend-48": (0.44, 0.32, 0.00),
    "prepend-112": (0.48, 0.28, 0.23),
    "prepend-48-joint-8": (0.28, 0.22, 0.00),
    "prepend-48-joint-16": (0.36, 0.25, 0.00),
    "prepend-48-joint-32": (0.44, 0.28, 0.00),
    "prepend-48-joint-48": (0.40, 0.34, 0.00),
    "channel-16": (0.24, 0.03, 0.00),
    "channel-48": (0.16, 0.19, 0.00),
    "channel-112": (0.12, 0.13, 0.08),
    "channel-48-modulated-8": (0.16, 0.16, 0.00),
    "channel-48-modulated-16": (0.20, 0.19, 0.00),
    "channel-48-modulated-32": (0.24, 0.22, 0.00),
    "channel-48-modulated-48": (0.28, 0.22, 0.00),
    "cross-112": (0.00, 0.00, 0.00),
}
"""Table 1: rate of successful retrieval, DMLab."""

SSIM = {
    "prepend-16": (0.75, 0.39, 0.37),
    "prepend-48": (0.74, 0.62, 0.35),
    "prepend-112": (0.72, 0.60, 0.55),
    "prepend-48-joint-8": (0.63, 0.53, 0.38),
    "prepend-48-joint-16": (0.67, 0.55, 0.37),
    "prepend-48-joint-32": (0.70, 0.57, 0.38),
    "prepend-48-joint-48": (0.72, 0.61, 0.35),
    "channel-16": (0.61, 0.38, 0.38),
    "channel-48": (0.58, 0.57, 0.37),
    "channel-112": (0.59, 0.56, 0.51),
    "channel-48-modulated-8": (0.54, 0.53, 0.36),
    "channel-48-modulated-16": (0.56, 0.54, 0.35),
    "channel-48-modulated-32": (0.57, 0.56, 0.36),
    "channel-48-modulated-48": (0.57, 0.57, 0.37),
}
"""Table 2: SSIM, Minecraft; it has no row of cross-attention."""

DECAY = {
    8: (10.24, 9.47, 8.83, 7.88),
    16: (10.14, 8.81, 8.24, 7.39),
    32: (10.46, 8.19, 7.82, 6.83),
    48: (10.52, 8.00, 7.58, 6.76),
}
"""Table 3: PSNR of frames 0-16, 16-32, 32-48 and 48-64 of a roll-out, by budget, DMLab."""
