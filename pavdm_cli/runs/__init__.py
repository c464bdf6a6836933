"""One generation: prompt in, frames out; and its life on disk."""
