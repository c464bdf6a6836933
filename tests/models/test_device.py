"""Devices: what is asked for is had or refused in words; auto takes the best there is."""

import os
from pathlib import Path

import pytest
import torch

from pavdm_cli.errors import DeviceError
from pavdm_cli.models import device
from pavdm_cli.models.device import DeviceName, DtypeName, Place, place


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize("name", ("cuda", "mps"))
def test_a_device_that_is_not_there_is_refused(name: DeviceName) -> None:
    with pytest.raises(
        DeviceError, match=f"device '{name}': not on this machine; there is cpu. Use --device auto"
    ):
        place(name, "auto")


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize(("fast", "wanted"), ((True, torch.bfloat16), (False, torch.float32)))
def test_auto_on_a_cpu_takes_bf16_where_it_is_fast(
    monkeypatch: pytest.MonkeyPatch, fast: bool, wanted: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert place("auto", "auto") == place("cpu", "auto") == Place(torch.device("cpu"), wanted)


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize(("name", "wanted"), (("bf16", torch.bfloat16), ("fp32", torch.float32)))
def test_a_format_asked_for_is_given(name: DtypeName, wanted: torch.dtype) -> None:
    assert place("cpu", name) == Place(torch.device("cpu"), wanted)


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize("name", ("cpu", "auto"))
def test_half_precision_on_a_cpu_is_refused(name: DeviceName) -> None:
    with pytest.raises(DeviceError, match=r"dtype 'fp16'.*--dtype bf16, fp32 or auto"):
        place(name, "fp16")


@pytest.mark.parametrize(
    ("cuda", "mps", "best", "natural"),
    ((True, True, "cuda", torch.float16), (False, True, "mps", torch.float32)),
)
def test_auto_takes_an_accelerator_and_half_precision_on_cuda_alone(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str, natural: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert place("auto", "auto") == Place(torch.device(best), natural)
    assert place("auto", "fp32") == Place(torch.device(best), torch.float32)
    assert place("cpu", "fp32").device.type == "cpu"


def test_a_place_says_what_it_is() -> None:
    threads = torch.get_num_threads()
    assert str(place("cpu", "bf16")) == f"cpu (bf16, {threads} threads)"


@pytest.mark.parametrize("fast", (True, False))
def test_training_is_in_bf16_where_that_is_fast(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with device.autocast(torch.device("cpu")):
        assert layer(x).dtype is (torch.bfloat16 if fast else torch.float32)


def test_free_memory_counts_caches_that_can_be_dropped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cpu, total = torch.device("cpu"), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < device.free_memory(cpu) <= total
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr(device, "MEMINFO", meminfo)
    assert device.free_memory(cpu) == total
    meminfo.write_text("MemTotal:       900 kB\nMemFree:        100 kB\nMemAvailable:   700 kB\n")
    assert device.free_memory(cpu) == 700 * 1024


def test_determinism_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is taken back after the test
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    try:
        device.be_deterministic()
        assert torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)


def test_auto_takes_the_half_precision_that_a_model_was_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert place("auto", "auto", "bf16").dtype is torch.bfloat16
    assert place("auto", "fp16", "bf16").dtype is torch.float16


def test_cores_are_shared_with_the_decoder_and_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cores", lambda: 4)
    for said, halved, alone in (("", 2, 3), ("2", 1, 1), ("1", 1, 1), ("no number", 2, 3), ("0", 1, 1)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        device.share_cores(halved=True)
        assert torch.get_num_threads() == halved
        device.share_cores(halved=False)
        assert torch.get_num_threads() == alone


def test_a_call_is_timed_to_the_end_of_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda which: done.append(f"wait for {which}"))
    assert 0 <= device.seconds(lambda: done.append("call"), torch.device("cuda")) < 60
    assert done == ["wait for cuda", "call", "wait for cuda"]
    device.seconds(lambda: done.append("call"), torch.device("cpu"))
    assert done[3:] == ["call"]
