"""Long videos from a prompt on one machine, by progressive autoregressive video diffusion."""

__version__ = "0.1.0"
