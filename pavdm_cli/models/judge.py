"""A small classifier that tells which place a view of a maze shows: its walls, its floor and its mark."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pavdm_cli.models import quantised
from pavdm_cli.models.config import read


@dataclass(frozen=True)
class JudgeConfig:
    """widths: at a quarter, an eighth and a sixteenth of the size. answers: to each question."""

    widths: tuple[int, int, int]
    walls: tuple[str, ...]
    floors: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def questions(self) -> dict[str, tuple[str, ...]]:
        """Return what is asked, and the answers to choose from."""
        return {"wall": self.walls, "floor": self.floors, "mark": self.marks}


class Judge(nn.Module):
    """Convolutions, then what is found anywhere and on the whole, then a choice for each question."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.body = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, a, 3, padding=1), nn.GroupNorm(4, a), nn.SiLU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(4, b), nn.SiLU(),
            nn.Conv2d(b, b, 3, padding=1), nn.GroupNorm(4, b), nn.SiLU(),
            nn.Conv2d(b, c, 3, stride=2, padding=1), nn.GroupNorm(4, c), nn.SiLU(),
        )  # fmt: skip
        self.hidden = nn.Linear(18 * c, 2 * c)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(2 * c, len(words)) for name, words in config.questions.items()}
        )

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Map frames (N, 3, H, W) in [-1, 1] to scores of the answers to each question, (N, answers)."""
        x = self.body(frames)
        seen = torch.cat((F.adaptive_avg_pool2d(x, 3), F.adaptive_max_pool2d(x, 3)), 1).flatten(1)
        seen = F.silu(self.hidden(seen))
        return {name: head(seen) for name, head in self.heads.items()}

    @torch.no_grad()
    def read(self, frames: Tensor) -> list[dict[str, str]]:
        """Return the answers to every question for each of the frames (N, H, W, 3) uint8."""
        shown = frames.permute(0, 3, 1, 2).to(self.hidden.weight.device).float() / 127.5 - 1
        best = {name: scores.argmax(-1).tolist() for name, scores in self(shown).items()}
        words = self.config.questions
        return [{name: words[name][best[name][n]] for name in words} for n in range(len(frames))]


def load(folder: Path) -> Judge:
    """Load judge.config.json and judge.safetensors from a folder, in float32 on the CPU.

    Raises:
        CheckpointError: the weights are missing, damaged or do not fit the configuration.
        ConfigError: the configuration file is missing or wrong.
    """
    judge = Judge(read(JudgeConfig, folder / "judge.config.json"))
    quantised.fill(judge, folder / "judge.safetensors")
    return judge.eval().requires_grad_(False)
