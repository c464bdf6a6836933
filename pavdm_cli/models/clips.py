"""Features of clips for FVD, from the network that the field measures with and that a user brings.

That is the I3D of the common TorchScript file: 400 numbers for a clip (B, 3, T, 224, 224) in [-1, 1], given
`rescale`, `resize` and `return_features`. TorchScript is a program: load files you trust.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from numpy.typing import NDArray

from pavdm_cli.errors import CheckpointError

FRAMES = 16  # of a clip
SIDE = 224


class ClipFeatures:
    """Turns clips of 16 frames into features, one after the other."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise CheckpointError(f"--fvd-model {path}: no such file; give the I3D as TorchScript")
        try:
            with (
                warnings.catch_warnings()
            ):  # of a format that goes out of use; the field has the file in no other
                warnings.simplefilter("ignore", DeprecationWarning)
                network = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            self._network = network.eval()
        except RuntimeError as error:
            raise CheckpointError(
                f"--fvd-model {path}: not TorchScript ({str(error).splitlines()[0]}); give the I3D as that"
            ) from error

    @torch.no_grad()
    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the features (D,) of a clip (16, H, W, 3).

        Raises:
            CheckpointError: the network takes no clips of this kind.
        """
        clip = rearrange(torch.from_numpy(frames.copy()), "t h w c -> t c h w").float()
        clip = F.interpolate(clip, (SIDE, SIDE), mode="bilinear", align_corners=False) / 127.5 - 1
        try:
            found = self._network(
                rearrange(clip, "t c h w -> 1 c t h w"), rescale=False, resize=False, return_features=True
            )
        except RuntimeError as error:
            raise CheckpointError(
                "--fvd-model: it does not take (clips, rescale=, resize=, return_features=); give the "
                f"I3D as the field's TorchScript ({str(error).strip().splitlines()[-1]})"
            ) from error
        features: NDArray[np.float64] = found.flatten().double().numpy()
        return features
