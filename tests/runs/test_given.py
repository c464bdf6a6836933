"""What stands before new frames."""

from types import SimpleNamespace

import numpy as np
import pytest

from pavdm_cli.models.card import Timing
from pavdm_cli.runs import given
from pavdm_cli.runs.past import Past


def test_old_frames_are_held_against_new_ones_in_the_same_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """New frames of a film that others began are corrected; so must be those decoded from its latents."""

    frames = np.full((12, 2, 2, 3), 100, np.uint8)
    monkeypatch.setattr(given, "_frames", lambda *_: frames)
    past = Past(frames=11, latents=3, shift=0, hidden=0, correction=((1.1, 0.0), (1.0, 5.0), (1.0, 0.0)))
    model = SimpleNamespace(config=SimpleNamespace(timing=Timing(4)))
    tail = given._decoded(model, None, past)  # type: ignore[arg-type]
    assert tail.shape == (11, 2, 2, 3)
    np.testing.assert_array_equal(tail[0, 0, 0], (110, 105, 100))
