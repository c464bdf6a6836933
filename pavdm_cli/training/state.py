"""All a training needs to go on exactly as if it had not stopped, in one safetensors file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pavdm_cli import whole
from pavdm_cli.errors import CheckpointError


@dataclass
class State:
    """A network, its running average, its optimizers, random numbers, and how far it is.

    average: exponential moving average of parameters, with buffers as they are. rng: drives every random
    choice but the noise, which comes from torch's generator. carried: what a lesson takes from step to step.
    seconds: time trained in all.
    """

    module: nn.Module
    optimizers: Sequence[torch.optim.Optimizer]
    rng: np.random.Generator
    decay: float = 0.9995
    step: int = 0
    seconds: float = 0.0
    average: dict[str, Tensor] = field(default_factory=dict)
    carried: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.average = {k: v.detach().clone() for k, v in self.module.state_dict().items()}

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the network; early on it follows closely."""
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        own = self.module.state_dict()
        moving = [k for k, _ in self.module.named_parameters()]
        torch._foreach_lerp_([self.average[k] for k in moving], [own[k] for k in moving], 1 - decay)
        for k in own.keys() - set(moving):
            self.average[k].copy_(own[k])

    def save(self, path: Path) -> None:
        """Write everything beside `path`, then rename."""
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for i, optimizer in enumerate(self.optimizers):
            for p, values in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{p}.{k}": torch.as_tensor(v) for k, v in values.items()}
        tensors |= {f"carried.{k}": v for k, v in self.carried.items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        facts = {"step": self.step, "seconds": self.seconds, "rng": self.rng.bit_generator.state}
        kept = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
        whole.write(path, save(kept, metadata={"facts": json.dumps(facts)}))

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            CheckpointError: the file is damaged or of another network.
        """
        try:
            with safe_open(path, "pt") as file:
                facts = json.loads((file.metadata() or {})["facts"])
                tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
            self.module.load_state_dict(_under(tensors, "module."))
        except (SafetensorError, KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"{path}: not a training state of this network ({error}); use another --folder"
            ) from error
        for k, v in _under(tensors, "average.").items():
            self.average[k].copy_(v)
        for i, optimizer in enumerate(self.optimizers):
            states: dict[int, dict[str, Tensor]] = {}
            for k, v in _under(tensors, f"optimizer.{i}.").items():
                p, _, name = k.partition(".")
                states.setdefault(int(p), {})[name] = v
            if len(states) != sum(len(group["params"]) for group in optimizer.param_groups):
                raise CheckpointError(f"{path}: trained other parts of this network; use another --folder")
            optimizer.load_state_dict(
                {"state": states, "param_groups": optimizer.state_dict()["param_groups"]}
            )
        device = next(self.module.parameters()).device
        self.carried.clear()
        self.carried.update({k: v.to(device) for k, v in _under(tensors, "carried.").items()})
        torch.set_rng_state(tensors["random.cpu"])
        if torch.cuda.is_available() and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
        self.step, self.seconds = facts["step"], facts["seconds"]
        self.rng.bit_generator.state = facts["rng"]


def progressed(path: Path) -> int:
    """Return the steps that a state on disk has made.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            return int(json.loads((file.metadata() or {})["facts"])["step"])
    except (SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path}: not a training state ({error}); use another --folder") from error


def averaged(path: Path) -> dict[str, Tensor]:
    """Return the running average of parameters in a state on disk.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            return {
                k.removeprefix("average."): file.get_tensor(k)
                for k in file.keys()  # noqa: SIM118
                if k.startswith("average.")
            }
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a training state ({error}); give another file") from error


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
