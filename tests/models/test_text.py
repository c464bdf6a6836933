import json
import shutil
from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models.text import TextConfig, TextEncoder, load

WEIGHTS = Path(__file__).parents[2] / "weights" / "text"
PROMPTS = (
    "a red ball moving left",
    "crimson sphere going leftwards",
    "a night city",
    "",
    "rain on a tin roof, " * 5,
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load(WEIGHTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "text"))


def test_shapes_and_mask(encoder: TextEncoder) -> None:
    text = encoder.encode(PROMPTS)
    assert text.tokens.shape == (5, 32, 384)
    assert text.mask.sum(1).tolist() == [7, 8, 5, 2, 32]
    assert text.tokens.dtype is text.pooled.dtype is torch.float32
    assert not text.tokens[~text.mask].any()
    torch.testing.assert_close(text.pooled.norm(dim=-1), torch.ones(5))


def test_one_prompt_alone_equals_it_in_a_batch(encoder: TextEncoder) -> None:
    batch = encoder.encode(PROMPTS, length=48)
    for i, prompt in enumerate(PROMPTS):
        alone = encoder.encode([prompt])
        size = alone.tokens.shape[1]
        torch.testing.assert_close(alone.tokens[0], batch.tokens[i, :size], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.pooled[0], batch.pooled[i], atol=1e-5, rtol=0)
        assert batch.mask[i].tolist() == [k < size for k in range(48)]


def test_the_same_prompts_give_the_same_numbers(encoder: TextEncoder) -> None:
    one, two = encoder.encode(PROMPTS), load(WEIGHTS).encode(PROMPTS)
    assert torch.equal(one.tokens, two.tokens)
    assert torch.equal(one.pooled, two.pooled)


def test_paraphrases_are_closer_than_what_is_unrelated(encoder: TextEncoder) -> None:
    pooled = torch.nn.functional.normalize(encoder.encode(PROMPTS[:3]).pooled, dim=-1)
    red, crimson, _city = pooled @ pooled.T
    assert red[1] > 0.4
    assert max(red[2], crimson[2]) < 0.2


def test_word_order_is_seen_in_the_tokens(encoder: TextEncoder) -> None:
    text = encoder.encode(["a cube left of a ball", "a ball left of a cube"])
    assert not torch.allclose(text.tokens[0].mean(0), text.tokens[1].mean(0), atol=1e-2)


def test_long_prompts_keep_their_start_and_are_named(encoder: TextEncoder) -> None:
    words = ["fog"] * 46
    text = encoder.encode([" ".join(words), " ".join([*words, "and", "snow"]), "fog"])
    assert text.truncated == (1,)
    assert text.tokens.shape[1] == 48
    assert torch.equal(text.tokens[0], text.tokens[1])
    assert encoder.encode(["a red ball"], length=4).truncated == (0,)


def test_words_no_token_stands_for_are_named(encoder: TextEncoder) -> None:
    assert encoder.encode(["A naïve café — it’s “fine”…", "日出 over Łódź"]).unknown == ("日", "出", "Łódź")


@pytest.mark.parametrize(("prompts", "length"), [([], None), (["fog"], 1), (["fog"], 49)])
def test_what_cannot_be_encoded_is_refused(
    encoder: TextEncoder, prompts: list[str], length: int | None
) -> None:
    with pytest.raises(ConfigError, match="at 2 to 48"):
        encoder.encode(prompts, length=length)


def test_states_can_be_learnt_from_but_not_through(encoder: TextEncoder) -> None:
    tokens = encoder.encode(["fog"]).tokens
    weight = torch.ones(384, requires_grad=True)
    (gradient,) = torch.autograd.grad((tokens * weight).sum(), weight)
    torch.testing.assert_close(gradient, tokens.sum((0, 1)))
    assert not tokens.requires_grad


def test_the_vocabulary_is_numbered_without_gaps(encoder: TextEncoder) -> None:
    vocabulary = encoder.tokenizer.get_vocab()
    assert sorted(vocabulary.values()) == list(range(encoder.config.vocabulary))
    assert vocabulary["[PAD]"] == 0
    assert not any(token.startswith("[unused") for token in vocabulary)


@pytest.mark.parametrize("change", [{"heads": 5}, {"layers": 0}, {"max_tokens": 1}])
def test_sizes_that_make_no_network_are_refused(change: dict[str, int]) -> None:
    sizes = {"layers": 1, "width": 8, "heads": 2, "mlp": 8, "vocabulary": 9, "max_tokens": 4}
    with pytest.raises(ConfigError, match="no text encoder has these sizes"):
        TextConfig(name="t", **(sizes | change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"layers": 7}, r"12 missing \(blocks\.6\.", id="layers"),
        pytest.param({"layers": 5}, r"left over \(blocks\.5\.", id="fewer-layers"),
        pytest.param({"mlp": 1024}, r"of another shape \(blocks\.0\.up\.weight", id="mlp"),
        pytest.param({"vocabulary": 30522}, "tokenizer.json has 26997 tokens", id="vocabulary"),
    ],
)
def test_weights_that_do_not_fit_the_config_are_refused(
    folder: Path, change: dict[str, int], said: str
) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=said):
        load(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("left", [None, 0, 1000])
def test_missing_and_truncated_files_are_refused(folder: Path, name: str, left: int | None) -> None:
    path = folder / name
    start = path.read_bytes()[:left]
    path.unlink()
    if left is not None:
        path.write_bytes(start)
    with pytest.raises(CheckpointError, match=name):
        load(folder)
