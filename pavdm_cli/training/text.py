"""Make `weights/text` from the published all-MiniLM-L6-v2, once: crop its vocabulary, store it small.

    python -m pavdm_cli.training.text SOURCE TARGET

converts and prints how far the small model is from the one it was made of. SOURCE holds the published
`model.safetensors` and `tokenizer.json`.
"""

import hashlib
import json
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import config, quantised
from pavdm_cli.models.text import TextConfig, TextEncoder, load, load_tokenizer

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 48
FP16 = ("positions", "blocks.2.down.weight")
"""Matrices not stored as int8: in bytes, this `down` alone costs the empty prompt 0.002 of its cosine."""
HALVES = ("words",)
"""At half a byte: a prompt looks up few rows, and what comes after evens out their errors."""
PROMPTS = (
    "a red ball moving left",
    "a crimson sphere going leftwards",
    "a city at night",
    "two green squares bounce off each other on a grey floor",
    "a car turns right at the crossing",
    "a car turns left at the crossing",
    "slow waves roll onto an empty beach at dawn",
    "a corridor of stone, torches on both walls, the camera moves forward",
    "a dungeon hallway lit by fire",
    "snow falls on a pine forest; mist in the valley",
    "A small brown dog runs along the shore, chasing a yellow frisbee.",
    "a puppy at the seaside",
    "time-lapse of clouds over a mountain range, golden hour",
    "close-up of a hand writing a letter with a fountain pen",
    "an astronaut floats above the Earth, 35mm film, high detail",
    "a blue triangle spins clockwise, then stops",
    "rain",
    "",
    "the camera pans from a window to an old piano in a dusty room",
    "a flock of starlings turns in the evening sky",
    "cartoon of a cat playing the drums",
    "a train crosses a steel bridge while the sun sets behind the hills",
    "underwater: a turtle swims past a coral reef full of small orange fish",
    "a crowded street market in Marrakesh, handheld camera",
    "black and white footage of a tram in 1920s Berlin",
    "a robot arm picks up a cube and puts it on a shelf",
    "first-person view walking through a maze with brick walls and a grass floor",
    "a drone flies over terraced rice fields, morning fog, soft light, wide shot, 4k",
    "a candle burns down; the flame flickers; the room grows dark",
    "children in raincoats jump into puddles — slow motion, the “splash” fills the frame",
    "lava flows into the sea, steam rises, seen from far away",
    "a chess game seen from above: white moves a knight, black answers with a pawn",
)


@dataclass(frozen=True)
class Fidelity:
    """Cosines between the converted model and the published one over `PROMPTS`."""

    pooled_worst: float
    pooled_mean: float
    tokens_mean: float


def convert(source: Path, target: Path) -> Fidelity:
    """Write `config.json`, `tokenizer.json` and `model.safetensors` to `target`, and compare.

    Tokens are kept if they are ASCII or punctuation and not `[unused...]`; the token type, always the first
    here, is added into the positions; the pooler, which sentence vectors do not use, is left out.

    Raises:
        CheckpointError: the weights in `source` are not the published ones, or its tokenizer cannot be read.
    """
    weights = source / "model.safetensors"
    if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != SHA256:
        raise CheckpointError(
            f"{weights}: not all-MiniLM-L6-v2; give the folder whose file has sha256 {SHA256}"
        )
    published = _renamed(load_file(weights))
    tokenizer = load_tokenizer(source / "tokenizer.json")
    original = _encoder(published, tokenizer)
    cropped, kept = _crop(json.loads(tokenizer.to_str()))
    small = published | {"words": published["words"][kept]}
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_text(json.dumps(cropped, ensure_ascii=False), encoding="utf-8")
    config.write(_config(len(kept)), target / "config.json")
    quantised.save(target / "model.safetensors", small, exclude=FP16, halves=HALVES)
    return compare(original, load(target))


def compare(a: TextEncoder, b: TextEncoder) -> Fidelity:
    """Return the cosines of what two encoders that split `PROMPTS` into the same tokens make of them."""
    one, two = a.encode(PROMPTS), b.encode(PROMPTS)
    pooled = F.cosine_similarity(one.pooled, two.pooled, dim=-1)
    tokens = F.cosine_similarity(one.tokens, two.tokens, dim=-1)[one.mask]
    return Fidelity(pooled.min().item(), pooled.mean().item(), tokens.mean().item())


def _config(vocabulary: int) -> TextConfig:
    return TextConfig(
        name="all-MiniLM-L6-v2",
        layers=6,
        width=384,
        heads=12,
        mlp=1536,
        vocabulary=vocabulary,
        max_tokens=MAX_TOKENS,
    )


def _encoder(state: dict[str, Tensor], tokenizer: Tokenizer) -> TextEncoder:
    encoder = TextEncoder(_config(len(state["words"])), tokenizer)
    encoder.load_state_dict(state)
    return encoder.eval()


def _renamed(old: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the published weights our names, query, key and value in one matrix."""
    types = old["embeddings.token_type_embeddings.weight"][0]
    new = {
        "words": old["embeddings.word_embeddings.weight"],
        "positions": old["embeddings.position_embeddings.weight"][:MAX_TOKENS] + types,
    }
    for part in ("weight", "bias"):
        new[f"norm.{part}"] = old[f"embeddings.LayerNorm.{part}"]
        for layer in range(6):
            was, now = f"encoder.layer.{layer}", f"blocks.{layer}"
            qkv = [old[f"{was}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            new[f"{now}.qkv.{part}"] = torch.cat(qkv)
            new[f"{now}.out.{part}"] = old[f"{was}.attention.output.dense.{part}"]
            new[f"{now}.attention_norm.{part}"] = old[f"{was}.attention.output.LayerNorm.{part}"]
            new[f"{now}.up.{part}"] = old[f"{was}.intermediate.dense.{part}"]
            new[f"{now}.down.{part}"] = old[f"{was}.output.dense.{part}"]
            new[f"{now}.mlp_norm.{part}"] = old[f"{was}.output.LayerNorm.{part}"]
    return new


def _crop(tokenizer: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Drop tokens from a tokenizer's JSON, number the rest anew, and return it with the old ids kept."""
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    kept = sorted((old, token) for token, old in vocabulary.items() if _wanted(token))
    new = {token: number for number, (_, token) in enumerate(kept)}
    tokenizer["model"]["vocab"] = new
    for added in tokenizer["added_tokens"]:
        added["id"] = new[added["content"]]
    for token, special in tokenizer["post_processor"]["special_tokens"].items():
        special["ids"] = [new[token]]
    return tokenizer, [old for old, _ in kept]


def _wanted(token: str) -> bool:
    """Numbers of three digits and more are read in pieces, which costs a year two or three tokens."""
    if token.startswith("[unused") or (token.isdigit() and len(token) > 2):
        return False
    return all(char.isascii() or unicodedata.category(char).startswith("P") for char in token)


if __name__ == "__main__":
    print(convert(*map(Path, sys.argv[1:])))
