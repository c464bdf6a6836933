"""Model calls as tests write them."""

from collections.abc import Sequence

from pavdm_cli.sampling.schedule import Step


def call(levels: Sequence[float], positions: Sequence[int] | None = None) -> Step:
    """Return the step that shows latents at these levels and positions, from 0 on, and moves all but clean
    ones."""
    where = tuple(range(len(levels)) if positions is None else positions)
    return Step(tuple(range(len(levels))), where, tuple(levels), (0.0,) * len(levels), keep=0)
