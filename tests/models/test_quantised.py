from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.quantised import GROUP, load, load_strict, pack, save, unpack


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {"conv.weight": torch.randn(3, 2, 3, 3), "conv.bias": torch.randn(3), "gain": torch.tensor(0.5)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_matrices_become_bytes_with_a_scale_a_row_and_the_rest_fp16(state: dict[str, Tensor]) -> None:
    stored = pack(state)
    assert {name: (value.dtype, tuple(value.shape)) for name, value in stored.items()} == {
        "conv.weight": (torch.int8, (3, 2, 3, 3)),
        "conv.weight.scale": (torch.float16, (3,)),
        "conv.bias": (torch.float16, (3,)),
        "gain": (torch.float16, ()),
    }
    assert stored["conv.weight"].flatten(1).abs().amax(1).tolist() == [127, 127, 127]


@given(seed=st.integers(0, 2**31), size=st.floats(1e-3, 1e3))
def test_no_value_errs_by_more_than_half_a_step_of_its_row(seed: int, size: float) -> None:
    weight = torch.randn(5, 40, generator=torch.Generator().manual_seed(seed)) * size
    step = weight.abs().amax(1, keepdim=True) / 127
    error = (unpack(pack({"w": weight}))["w"] - weight).abs()
    assert (error <= 0.56 * step).all()  # half a step, and what the fp16 scale is off by at 127 steps


@given(seed=st.integers(0, 2**31), size=st.floats(1e-3, 1e3))
def test_half_bytes_err_by_half_a_step_of_their_group_or_clip_a_tenth(seed: int, size: float) -> None:
    weight = torch.randn(5, 3 * GROUP, generator=torch.Generator().manual_seed(seed)) * size
    weight[2] = 0
    stored = pack({"w": weight}, halves={"w"})
    assert {name: (value.dtype, tuple(value.shape)) for name, value in stored.items()} == {
        "w": (torch.uint8, (5, 3 * GROUP // 2)),
        "w.scale": (torch.float16, (5, 3)),
    }
    error = (unpack(stored)["w"] - weight).abs().view(5, 3, GROUP)
    groups = weight.abs().view(5, 3, GROUP)
    largest = groups.amax(2, keepdim=True)
    clipped = groups > 0.9 * largest
    assert (error[~clipped] <= (0.51 * 0.9 / 7 * largest).expand_as(error)[~clipped]).all()
    assert (error[clipped] <= (0.101 * largest).expand_as(error)[clipped]).all()


def test_half_bytes_of_another_width_are_refused() -> None:
    stored = pack({"w": torch.randn(4, GROUP)}, halves={"w"})
    for scale in (torch.ones(4).half(), torch.ones(4, 2).half()):
        with pytest.raises(CheckpointError, match="without its scales"):
            unpack(stored | {"w.scale": scale})
    for shape in ((4, 17), (64,), (4, 2, 16), ()):
        with pytest.raises(CheckpointError, match="without its scales"):
            unpack(stored | {"w": torch.zeros(shape, dtype=torch.uint8)})


def test_excluded_matrices_keep_fp16(state: dict[str, Tensor]) -> None:
    stored = pack(state, exclude={"conv.weight"})
    assert torch.equal(stored["conv.weight"], state["conv.weight"].half())
    assert "conv.weight.scale" not in stored


def test_rows_of_zeros_and_of_next_to_nothing_stay_finite() -> None:
    weight = torch.stack([torch.zeros(4), torch.full((4,), 1e-9), torch.ones(4)])
    got = unpack(pack({"w": weight}))["w"]
    torch.testing.assert_close(got, weight, atol=1e-8, rtol=1e-3)


def test_a_transposed_matrix_is_stored_as_it_reads(path: Path) -> None:
    weight = torch.arange(12.0).view(3, 4).T
    save(path, {"w": weight})
    torch.testing.assert_close(load(path)["w"], weight, atol=0.05, rtol=0)


def test_unpack_gives_the_type_asked_for(state: dict[str, Tensor]) -> None:
    assert {value.dtype for value in unpack(pack(state), torch.bfloat16).values()} == {torch.bfloat16}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e6])
def test_values_fp16_cannot_hold_are_refused(bad: float) -> None:
    with pytest.raises(CheckpointError, match="bias has values fp16 cannot hold"):
        pack({"bias": torch.tensor([1.0, bad])})


def test_saved_and_loaded_is_packed_and_unpacked(state: dict[str, Tensor], path: Path) -> None:
    save(path, state)
    expected, got = unpack(pack(state)), load(path)
    assert got.keys() == expected.keys()
    assert all(torch.equal(got[name], expected[name]) for name in expected)
    assert list(path.parent.iterdir()) == [path]


def test_the_same_weights_make_the_same_file(state: dict[str, Tensor], path: Path) -> None:
    save(path, state)
    first = path.read_bytes()
    save(path, dict(reversed(state.items())))
    assert path.read_bytes() == first


def test_a_failed_save_leaves_the_old_file(state: dict[str, Tensor], path: Path) -> None:
    save(path, state)
    before = path.read_bytes()
    with pytest.raises(CheckpointError):
        save(path, {"w": torch.tensor([float("nan")])})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_any_damaged_byte_is_noticed(state: dict[str, Tensor], path: Path) -> None:
    save(path, state)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match=r"model\.safetensors: "):
            load(path)


@pytest.mark.parametrize("left", [0, 7, 100, -1])
def test_a_truncated_file_is_refused(state: dict[str, Tensor], path: Path, left: int) -> None:
    save(path, state)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(CheckpointError, match="truncated or not a safetensors file"):
        load(path)


def test_a_safetensors_file_from_elsewhere_is_refused(state: dict[str, Tensor], path: Path) -> None:
    save_file(state, path)
    with pytest.raises(CheckpointError, match="not written by pavdm"):
        load(path)


def test_a_missing_file_is_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        load(path)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param({"w": torch.zeros(2, 2)}, id="float32"),
        pytest.param({"w": torch.zeros(2, 2, dtype=torch.int8)}, id="no-scale"),
        pytest.param(
            {"w": torch.zeros(2, 2, dtype=torch.int8), "w.scale": torch.zeros(3).half()}, id="scales"
        ),
    ],
)
def test_what_pack_does_not_make_is_not_unpacked(stored: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match="w is"):
        unpack(stored)


def test_load_strict_copies_into_the_module(path: Path) -> None:
    torch.manual_seed(0)
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    load_strict(two, one.state_dict(), path)
    assert torch.equal(one.weight, two.weight)
    assert one.weight.data_ptr() != two.weight.data_ptr()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"bias": None}, r"1 missing \(bias\)", id="missing"),
        pytest.param({"a": 1, "b": 1, "c": 1, "d": 1}, r"4 left over \(a, b, c, \.\.\.\)", id="left-over"),
        pytest.param({"bias": 3}, r"1 of another shape \(bias \(3,\) for \(2,\)\)", id="shape"),
    ],
)
def test_load_strict_names_what_does_not_fit(path: Path, change: dict[str, int | None], said: str) -> None:
    module = nn.Linear(3, 2)
    before = module.bias.clone()
    changed = {name: size if size is None else torch.ones(size) for name, size in change.items()}
    state = {name: value for name, value in (module.state_dict() | changed).items() if value is not None}
    with pytest.raises(CheckpointError, match=said):
        load_strict(module, state, path)
    assert torch.equal(module.bias, before)
