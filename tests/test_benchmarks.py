"""The benchmark beside diffusers runs, and counts what both do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "peer.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's figures")
def test_beside_diffusers(tmp_path: Path) -> None:
    """One window: 25 latents by 12 steps twice; async takes four turns of two steps more; ours 12 steps and
    four turns of three, narrower at both ends."""
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "1", "--json", str(file)], capture_output=True, check=True, text=True
    )
    assert "latents shown" in done.stdout
    (found,) = json.loads(file.read_text())
    assert {way: one["calls"] for way, one in found.items()} == {"sync": 24, "async": 40, "ours": 48}
    assert {way: one["latent_evaluations"] for way, one in found.items()} == {
        "sync": 600,
        "async": 1000,
        "ours": 720,
    }
    assert all(one["wall_s"] > 0 and one["peak_memory_mib"] > 100 for one in found.values())
