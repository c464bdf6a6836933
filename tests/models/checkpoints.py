"""Checkpoints of each class in diffusers' own format: real in every file, tiny and random in every number."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2Transformer3DModel,
    UniPCMultistepScheduler,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

WORDS = (
    "a",
    "red",
    "blue",
    "ball",
    "sea",
    "at",
    "night",
    "on",
    "background",
    "bouncing",
    "stars",
    "no",
    "people",
)
TEXT_WIDTH = 16


def skyreels(folder: Path, *, seed: int = 0, **sizes: int) -> Path:
    """Write a SkyReels-V2 diffusion forcing checkpoint; sizes: of its transformer, unless tiny."""
    torch.manual_seed(seed)
    tiny = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "freq_dim": 32,
        "ffn_dim": 32,
        "num_layers": 2,
    }
    denoiser = SkyReelsV2Transformer3DModel(
        in_channels=16, out_channels=16, text_dim=TEXT_WIDTH, inject_sample_info=True, **tiny | sizes
    )
    vae = AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    _stir(denoiser)
    text = UMT5EncoderModel(UMT5Config(**_sizes()))
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=8.0
    )
    SkyReelsV2DiffusionForcingPipeline(_tokenizer(512), text, denoiser, vae, scheduler).save_pretrained(
        folder
    )
    return folder


def ltx(folder: Path) -> Path:
    """Write an LTX-Video checkpoint."""
    torch.manual_seed(1)
    denoiser = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=12, cross_attention_dim=24,
        num_layers=2, caption_channels=TEXT_WIDTH,
    )  # fmt: skip
    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
    )  # fmt: skip
    _stir(denoiser)
    text = T5EncoderModel(T5Config(**_sizes()))
    LTXPipeline(
        FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True), vae, text, _tokenizer(128), denoiser
    ).save_pretrained(folder)
    return folder


def _sizes() -> dict[str, Any]:
    return {
        "vocab_size": len(WORDS) + 3, "d_model": TEXT_WIDTH, "d_kv": 8, "d_ff": 16, "num_layers": 1,
        "num_heads": 2,
    }  # fmt: skip


def _tokenizer(length: int) -> PreTrainedTokenizerFast:
    words = {word: i for i, word in enumerate(("<pad>", "</s>", "<unk>", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", words["</s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_max_length=length,
    )  # fmt: skip


def _stir(network: nn.Module) -> None:
    """Give values to what starts at zero, so that every part of a network has an effect."""
    for values in network.parameters():
        if not values.any():
            nn.init.normal_(values, std=0.2)
