"""The study of memory from end to end on tiny networks: stopped and gone on, and what it comes to."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from walkers import hurry, write_trained

from pavdm_cli.errors import RunError
from pavdm_cli.studies import retrieval as study
from pavdm_cli.studies import retrieval_page, retrieval_results
from pavdm_cli.studies.retrieval import CEILING, Plan, Record, Seen, Study
from pavdm_cli.studies.revisits import BINS, Clip

CPU = torch.device("cpu")
PLAN = Plan(clips=1, films=1, batch=2)
ROW = "channel-16"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `train memory` leaves it, of one row."""
    return write_trained(tmp_path_factory.mktemp("trained"), [ROW])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def test_a_study_goes_on_and_ends_in_a_page(trained: Path, tmp_path: Path) -> None:
    own = Study(trained, tmp_path / "work", PLAN)
    assert own.rows() == [ROW] and len(own.clips) == 3
    progress = own.run(ROW, CPU)
    assert next(progress).done == 2
    progress.close()
    again = Study(trained, tmp_path / "work", PLAN)
    done = [now.done for now in again.run(ROW, CPU)]
    assert done == [3, 4]
    for _ in again.run(CEILING, CPU):
        pass
    record = again.records()[ROW]
    assert [seen.clip for seen in record.clips] == [0, 1, 2] and len(record.psnr[0]) == 2
    assert record.seconds > 0 and record.held == 16 * 4 * 4 * 4 and record.parameters > 1000
    page = retrieval_page.make(
        tmp_path / "page", again.records(), again.clips, again.check(), again.shown(CPU, each=1), again.about
    )
    text = page.read_text()
    for name in (*BINS, ROW, "not trained yet", "frames.jpg", "rates.png", "rollout.png", "cost.png"):
        assert name in text
    for name in ("frames.jpg", "rates.png", "rollout.png", "cost.png"):
        assert (page.parent / name).stat().st_size > 500
    (row,) = json.loads((page.parent / "results.json").read_text())
    assert [row[name] for name in ("structure", "memory", "compression", "budget")] == [
        "channel",
        16,
        None,
        None,
    ]
    assert set(row["bins"]["48-112"]) == {"rate", "low", "high", "ssim", "psnr", "clips"}


def test_one_row_alone_or_after_a_stop_is_the_same(trained: Path, tmp_path: Path) -> None:
    records = []
    for batch in (3, 2):
        own = Study(trained, tmp_path / str(batch), replace(PLAN, batch=batch))
        for _ in own.run(ROW, CPU):
            pass
        records.append(own.records()[ROW])
    assert [seen.right for seen in records[0].clips] == [seen.right for seen in records[1].clips]
    np.testing.assert_allclose(records[0].psnr, records[1].psnr, atol=0.05)


def test_records_of_other_weights_are_refused(trained: Path, tmp_path: Path) -> None:
    own = Study(trained, tmp_path, PLAN)
    study.write(tmp_path / f"{ROW}.json", Record(ROW, "0123"))
    with pytest.raises(RunError, match="of weights 0123"):
        next(own.run(ROW, CPU))
    (tmp_path / f"{ROW}.json").write_text("{}")
    with pytest.raises(RunError, match="not a record of this version"):
        own.records()


CLIPS = [Clip(n, 120, gap, {}) for n, gap in enumerate([8] * 40 + [30] * 40 + [80] * 40)]


def record(row: str, near: float, middle: float, far: float, lost: float = 1.0) -> Record:
    """Return a record with so many places found of 40 in each bin."""
    rates = np.repeat([near, middle, far], 40)
    seen = [Seen(n, n % 40 < 40 * rate, 0.5, 20.0) for n, rate in enumerate(rates)]
    psnr = [[20.0, 19.0, 18.0, 20.0 - lost - 0.01 * n] for n in range(10)]
    return Record(row, "w", seen, psnr, 0.01, 100, 1000)


def test_findings_are_told_by_intervals() -> None:
    records = {
        "prepend-16": record("prepend-16", 0.9, 0.1, 0.1, lost=0.5),
        "prepend-48": record("prepend-48", 0.9, 0.8, 0.1),
        "prepend-112": record("prepend-112", 0.85, 0.8, 0.8, lost=2.0),
        "channel-112": record("channel-112", 0.5, 0.3, 0.2),
        "cross-112": record("cross-112", 0.6, 0.3, 0.2),
    }
    found = {one.name: one for one in retrieval_results.findings(records, CLIPS)}
    assert [one.verdict for one in found.values()] == [
        "holds", "holds", "holds", "not settled", "not measured", "holds", "does not hold", "holds"
    ]  # fmt: skip
    decay = found["More memory decays faster"]
    assert decay.verdict == "holds" and "2.04 dB" in decay.figures
    reversed_ = {"prepend-112": records["prepend-16"], "prepend-16": records["prepend-112"]}
    first = retrieval_results.findings(reversed_, CLIPS)[0]
    assert first.verdict == "does not hold" and "prepend-112 48-112 0.10" in first.figures


def test_rates_correlation_and_front() -> None:
    budgets = {8: 0.2, 16: 0.3, 32: 0.4, 48: 0.5}
    records = {f"prepend-48-joint-{b}": record("", r, r, r, lost=4 * r) for b, r in budgets.items()}
    scores = retrieval_results.score(records, CLIPS)
    own = scores["prepend-48-joint-16"]
    assert own.bins["0-16"].rate.value == pytest.approx(0.3) and own.bins["0-16"].clips == 40
    assert own.bins["0-16"].rate.low < 0.3 < own.bins["0-16"].rate.high
    assert own.decay[-1].value == pytest.approx(1.2 + 0.045)
    assert retrieval_results.correlation(scores, "prepend-48-joint") == pytest.approx(1)
    assert np.isnan(retrieval_results.correlation(scores, "channel-48-modulated"))
    slower = replace(scores["prepend-48-joint-48"], seconds=1.0)
    both = {"prepend-48-joint-48": scores["prepend-48-joint-48"], "prepend-48-joint-8": slower}
    assert retrieval_results.front(both) == ["prepend-48-joint-48"]
