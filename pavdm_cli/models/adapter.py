"""What the adapters of diffusers checkpoints share: loading, text, calls, room on the device.

An adapter is one file: it names its classes, encodes text as its own pipeline does, makes one call of the
denoiser, and decodes and encodes as a stream. Latents are (B, T, C, h, w) here and (B, C, T, h, w) there.
"""

import gc
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading
from diffusers.utils import logging as diffusers_logging
from einops import rearrange
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import Place
from pavdm_cli.models.kinds import DiffusersConfig, is_weights
from pavdm_cli.models.pipeline import Fit
from pavdm_cli.models.scenes import Reading
from pavdm_cli.models.text import Text
from pavdm_cli.sampling.schedule import Step

CPU = torch.device("cpu")


class DiffusersPipeline(ABC):
    """A diffusers checkpoint ready to run; a `Pipeline`.

    The text encoder is loaded when text is to be encoded, and freed before the denoiser is loaded or called.
    """

    denoiser_class: type[Any]
    vae_class: type[Any]
    text_class: type[Any]

    def __init__(self, path: Path, config: DiffusersConfig, place: Place, fit: Fit) -> None:
        if fit.attention_chunk is not None:
            raise ConfigError(
                f"--attention-chunk {fit.attention_chunk}: {config.name} attends by a kernel that holds no "
                "scores; leave it out"
            )
        self.config, self.place, self.fit = config, place, fit
        self.span = config.span
        self.max_tokens = config.kind.max_tokens
        self._path = path
        exact = torch.float32 if config.kind.exact_vae else place.dtype
        self.vae: Any = strict(self.vae_class, config.root / "vae", exact).to(place.device)
        if fit.vae_tiling:
            self.vae.enable_tiling()
        self._text: tuple[Any, Any] | None = None
        self._states: dict[str, tuple[Tensor, Tensor, bool]] = {}

    @property
    @abstractmethod
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a latent."""

    @property
    @abstractmethod
    def reach(self) -> int:
        """Latents before one that its frames depend on."""

    @abstractmethod
    def decode_stream(self, latents: Iterable[Tensor], before: Iterable[Tensor] = ()) -> Iterator[Tensor]:
        """See `Pipeline`."""

    @abstractmethod
    def encode(self, frames: Tensor) -> Tensor:
        """See `Pipeline`."""

    @abstractmethod
    def states(self, tokenizer: Any, encoder: Any, prompt: str) -> tuple[Tensor, Tensor]:
        """Return token states (1, L, D) and mask (1, L) of a prompt, as its own pipeline does."""

    @abstractmethod
    def call(
        self, latents: Tensor, levels: Sequence[float], positions: Sequence[int], tokens: Tensor, mask: Tensor
    ) -> Tensor:
        """Return noise - clean for latents (1, C, T, h, w) shown with one text, in the denoiser's format.

        tokens: (1, L, D). mask: (1, L).
        """

    def prepared(self, denoiser: Any) -> Any:
        """Return a loaded denoiser as `call` uses it."""
        return denoiser

    @cached_property
    def denoiser(self) -> Any:
        """The denoiser, loaded when it is first used, after the text encoder made room for it."""
        self._free_text()
        denoiser = strict(self.denoiser_class, self.config.root / "transformer", self.place.dtype)
        if is_weights(self._path):
            _replace(denoiser, self._path)
        denoiser = self.prepared(denoiser)
        if self.fit.offload == "model":
            apply_group_offloading(denoiser, self.place.device, CPU, "block_level", num_blocks_per_group=1)
            return denoiser
        return denoiser.to(self.place.device)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Text:
        """Encode prompts one by one, each once; `pooled` is empty."""
        for prompt in dict.fromkeys(prompts):
            if prompt not in self._states:
                self._states[prompt] = self._encoded(prompt)
        found = [self._states[prompt] for prompt in prompts]
        return Text(
            tokens=torch.cat([tokens for tokens, _, _ in found]),
            mask=torch.cat([mask for _, mask, _ in found]),
            pooled=torch.zeros(len(found), 0),
            truncated=tuple(i for i, (_, _, cut) in enumerate(found) if cut),
            unknown=(),
        )

    @torch.no_grad()
    def velocity(self, latents: Tensor, step: Step, words: Conditions) -> Tensor:
        """Return noise - clean for latents (B, T, C, h, w) shown as a step says, float32.

        The denoiser reads one text a call. Where texts meet in a window it is called once for each, and each
        latent takes its share of each result: a timeline switches at the latent it says. Videos go one by
        one, which takes the memory of one.
        """
        self._free_text()
        rows = []
        for b, row in enumerate(rearrange(latents, "b t c h w -> b 1 c t h w").to(self.place.dtype)):
            made = latents.new_zeros(latents.shape[1:], dtype=torch.float32)
            for k in words.weight[b].any(dim=0).nonzero()[:, 0].tolist():
                tokens, mask = words.tokens[b, k][None], words.mask[b, k][None]
                one = self.call(row, step.level, step.positions, tokens.to(row.dtype), mask)
                share = words.weight[b, :, k, None, None, None].float()
                made = made + share * rearrange(one, "1 c t h w -> t c h w").float()
            rows.append(made)
        return torch.stack(rows)

    def attend(self, chunk: int | None) -> None:
        """Do nothing: the kernel it attends by holds no scores, and no chunk was taken."""
        assert chunk is None, chunk

    def halve_attention(self, latents: int) -> int | None:
        """Return None: the kernel it attends by holds no scores."""
        return None

    def read(self, prompts: Sequence[str]) -> list[Reading]:
        """Take each prompt as it is written: what the model was trained on is not known."""
        return [Reading() for _ in prompts]

    def _encoded(self, prompt: str) -> tuple[Tensor, Tensor, bool]:
        if self._text is None:
            where = self.place.device if self.fit.offload == "none" else CPU
            wide = where.type == "cpu" and self.place.dtype is torch.float16  # slow there
            dtype = torch.float32 if wide else self.place.dtype
            encoder = strict(self.text_class, self.config.root / "text_encoder", dtype)
            self._text = _tokenizer(self.config.root / "tokenizer"), encoder.to(where)
        tokenizer, encoder = self._text
        tokens, mask = self.states(tokenizer, encoder, prompt)
        cut = len(tokenizer(prompt).input_ids) > self.max_tokens
        return tokens.cpu(), mask.bool().cpu(), cut

    def _free_text(self) -> None:
        if self._text is not None:
            self._text = None
            gc.collect()
            if self.place.device.type == "cuda":
                torch.cuda.empty_cache()


def frames_of(pictures: Tensor) -> Tensor:
    """Turn pictures (B, 3, n, H, W) in [-1, 1] into frames (B, n, H, W, 3) uint8 on the CPU."""
    shown = (pictures.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return rearrange(shown, "b c n h w -> b n h w c").contiguous().cpu()


def pictures_of(frames: Tensor, like: nn.Module) -> Tensor:
    """Turn frames (n, H, W, 3) uint8 into pictures (1, 3, n, H, W) in [-1, 1], placed as a module is."""
    some = next(like.parameters())
    shown = rearrange(frames, "n h w c -> 1 c n h w").to(some.device)
    return (shown / 127.5 - 1).to(some.dtype)


def strict(cls: type[Any], folder: Path, dtype: torch.dtype) -> Any:
    """Load one part of a checkpoint, on the CPU, with nothing missing and nothing left over.

    Raises:
        CheckpointError: it is missing, damaged, of another class, or does not fit its configuration.
    """
    named = _class(folder / "config.json")
    if cls.__name__ not in named:
        raise CheckpointError(
            f"{folder}: holds {' '.join(named) or 'no class that it names'}, and {cls.__name__} is needed; "
            "get the checkpoint again: pavdm models pull"
        )
    quiet = {"output_loading_info": True, "local_files_only": True, "use_safetensors": True}
    key = "torch_dtype" if cls.__module__.startswith("diffusers") else "dtype"
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        module, info = cls.from_pretrained(folder, **{key: dtype}, **quiet)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder}: cannot be loaded ({_short(error)}); get the checkpoint again: pavdm models pull"
        ) from error
    wrong = {kind: sorted(map(str, names)) for kind, names in info.items() if names}
    if wrong:
        said = "; ".join(f"{kind.replace('_', ' ')} {', '.join(names[:3])}" for kind, names in wrong.items())
        raise CheckpointError(
            f"{folder}: its weights do not fit {cls.__name__} ({said}); get the checkpoint again, or install "
            "the diffusers and transformers it was made with"
        )
    return module.eval().requires_grad_(False)


def _class(path: Path) -> list[str]:
    """Return the classes that a part's configuration names."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [str(found["_class_name"])] if "_class_name" in found else list(found["architectures"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({_short(error)}); get the checkpoint again"
        ) from error


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise CheckpointError(
            f"{folder}: cannot be read ({_short(error)}); get the checkpoint again"
        ) from error


def _replace(denoiser: nn.Module, path: Path) -> None:
    """Put the weights of one file, with diffusers' own names, into a denoiser."""
    try:
        denoiser.load_state_dict(load_file(path), strict=True)
    except (RuntimeError, SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: does not fit the denoiser of its checkpoint ({_short(error)}); use a file saved by "
            "diffusers for this model"
        ) from error


def _short(error: Exception) -> str:
    """Return the first words of another library's message."""
    return " ".join(str(error).split())[:160] or type(error).__name__
