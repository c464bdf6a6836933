"""A file is the old one or all of the new one."""

import errno
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pavdm_cli import whole


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file may grow beyond so many bytes; a write that would is an error, as on a full disk."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE), 1000
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    yield most
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_file_is_replaced_and_nothing_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"old", b"new and longer"):
        whole.write(path, data, flush=True)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_leaves_the_old_file_and_names_it(tmp_path: Path, small_files: int) -> None:
    path = tmp_path / "file"
    whole.write(path, b"old")
    with pytest.raises(whole.Unwritten) as caught:
        whole.write(path, bytes(small_files + 1))
    assert caught.value.errno == errno.EFBIG and caught.value.filename == str(path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    with pytest.raises(whole.Unwritten, match="No such file or directory") as caught:
        whole.write(path, b"")
    assert caught.value.filename == str(path)
