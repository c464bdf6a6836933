"""A model that is real in every file and tiny in every number."""

import os

os.environ["TERMINAL_WIDTH"] = "100"  # typer reads it once, when it is imported

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import hypothesis
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn

from pavdm_cli.models import quantised
from pavdm_cli.models import text as texts
from pavdm_cli.models.card import Known
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.library import NativeConfig, WalkConfig
from pavdm_cli.models.scenes import words
from pavdm_cli.models.text import TextConfig, TextEncoder
from pavdm_cli.models.told import WIDTH
from pavdm_cli.models.vae import Vae, VaeConfig
from pavdm_cli.sampling.schedule import Ramp

hypothesis.settings.register_profile("unhurried", deadline=None)  # the machine may be loaded
hypothesis.settings.load_profile("unhurried")

WORDS = ("a", "red", "blue", "ball", "sea", "at", "night", "on", "background", "bouncing", "stars")
CAPTIONS = ("a red ball", "a blue ball bouncing", "the sea at night", "stars at night")
TEXT_WIDTH = 32


@pytest.fixture(autouse=True)
def own_runs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the runs of every test in a folder of its own, away from the person's."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return folder / "pavdm" / "runs"


@pytest.fixture(autouse=True)
def own_threads() -> Iterator[None]:
    """Give torch its number of threads back after every test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the same model once, to be copied: a folder with it and its text encoder."""
    folder = tmp_path_factory.mktemp("tiny") / "weights"
    write_tiny_model(folder)
    return folder


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """Write the folder of a model called tiny: 32 x 32 pixels, 8 frames a second, random networks."""
    return write_tiny_model(tmp_path / "weights")


def write_tiny_model(folder: Path) -> Path:
    """Write text encoder and model side by side into a folder; return the model's."""
    torch.manual_seed(0)
    encoder = _write_text(folder / "text")
    model = folder / "tiny"
    model.mkdir()
    vae = Vae(VaeConfig(channels=4, encoder=(16,) * 3, decoder=(16,) * 3))
    denoiser = Denoiser(
        DenoiserConfig(
            channels=4, size=(2, 2), patch=1, width=32, depth=2, heads=2, mlp=64,
            text_width=TEXT_WIDTH, cross_every=2, span=8,
        )
    )  # fmt: skip
    for name, network in (("vae", vae), ("denoiser", denoiser)):
        _stir(network)
        quantised.save(model / f"{name}.safetensors", network.state_dict())
        write(network.config, model / f"{name}.config.json")
    vectors = encoder.encode(CAPTIONS, length=12).pooled
    scenes = [(caption.split()[-1], [], caption) for caption in CAPTIONS]
    stored = quantised.pack({"vectors": vectors})
    about = {"scenes": json.dumps(scenes), "readers": "[]", "words": json.dumps(words(" ".join(CAPTIONS)))}
    save_file(stored, model / "captions.safetensors", about)
    _write_config(model)
    return model


def _write_config(model: Path) -> None:
    config = NativeConfig(
        kind="native",
        name="tiny",
        about="noise, quickly",
        size=(32, 32),
        fps=8,
        text="text",
        vae="vae",
        denoiser="denoiser",
        sampling=Ramp(steps=6, window=6, chunk=1, context=2),
        guidance=2.0,
        far=0.99,
        knows=(Known("balls", "balls that bounce", "a red ball"), Known("sea", "waves", "the sea at night")),
    )
    (model / "config.json").write_text(json.dumps(asdict(config)))


@pytest.fixture
def tiny_walk(tmp_path: Path) -> Path:
    """Write the folder of a model that walks, called stroll: 32 x 32 pixels, 8 frames a second."""
    return write_tiny_walk(tmp_path / "weights" / "stroll")


def write_tiny_walk(folder: Path) -> Path:
    """Write a model that walks into a folder; return that."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    coder = Coder(CoderConfig(size=32, channels=4, widths=(8, 8, 8)))
    denoiser = Denoiser(
        DenoiserConfig(
            channels=4, size=(1, 2), patch=1, width=32, depth=2, heads=2, mlp=64,
            text_width=0, cross_every=1, span=12, actions=WIDTH,
        )
    )  # fmt: skip
    for name, network in (("coder", coder), ("denoiser", denoiser)):
        _stir(network)
        quantised.save(folder / f"{name}.safetensors", network.state_dict())
        write(network.config, folder / f"{name}.config.json")
    config = WalkConfig(
        kind="walk",
        name="stroll",
        about="noise to walk in",
        size=(32, 32),
        fps=8,
        sampling=Ramp(steps=3, window=4, chunk=4, context=8),
        guidance=1.0,
        far=0.0,
        knows=(Known("turn", "once round", "left*18"),),
    )
    write(config, folder / "config.json")
    return folder


def _write_text(folder: Path) -> TextEncoder:
    folder.mkdir(parents=True)
    words = {word: i for i, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = TextConfig(
        name="tiny", layers=1, width=TEXT_WIDTH, heads=2, mlp=32, vocabulary=len(words), max_tokens=12
    )
    encoder = TextEncoder(config, tokenizer)
    for values in (encoder.words, encoder.positions):
        nn.init.normal_(values)
    quantised.save(folder / "model.safetensors", encoder.state_dict())
    write(config, folder / "config.json")
    return texts.load(folder)


def _stir(network: nn.Module) -> None:
    """Give values to what starts at zero, so that every part of a network has an effect."""
    for values in network.parameters():
        if not values.any():
            nn.init.normal_(values, std=0.2)
