"""Measures: what is counted, over which stretches, and how far sets are apart."""

from dataclasses import replace

import numpy as np
import pytest
from films import falling, record

from pavdm_cli.studies import measures
from pavdm_cli.studies.prompts import PROMPTS

ASKED = {one.prompt: one for one in PROMPTS}


def courses(*records):  # type: ignore[no-untyped-def]
    return measures.by_interval(records, ASKED, measures.usual([record(i, 9) for i in range(6)]))


def test_stretches_belong_to_the_interval_they_lie_in() -> None:
    looks = [[look.at for look in measures.looks_in(record(), k)] for k in range(2)]
    assert looks == [[0, 2, 4, 6], [10, 12, 14, 16]]


def test_adherence_counts_every_fact_and_the_family() -> None:
    asked, look = PROMPTS[0], record().looks[0]
    assert measures.adherence(look, asked) == 1
    half = dict(look.answers) | {"motion": "spinning", "background": "red"}
    assert measures.adherence(replace(look, answers=half), asked) == pytest.approx(2 / 4)
    assert measures.adherence(replace(look, family="sea"), asked) == 0


def test_a_video_that_turns_into_another_loses_adherence_persistence_and_retrieval() -> None:
    kept, lost = courses(record(0)), courses(record(0, wrong=2))
    for name in ("adherence", "adherence of motion", "persistence", "retrieval"):
        np.testing.assert_allclose(kept[name], [[1, 1]])
        np.testing.assert_allclose(lost[name], [[1, 0.5]])
    assert lost["feature change"][0, 1] > 3 * kept["feature change"][0, 1]


def test_prompts_of_other_kinds_say_nothing() -> None:
    found = courses(record(0), record(1))
    assert np.isnan(found["adherence, held-out prompts"][0]).all()
    np.testing.assert_allclose(found["adherence, held-out prompts"][1], 1)
    assert np.isnan(found["adherence, paraphrased prompts"]).all()


def test_ends_slope_and_worst_stretch_of_a_falling_figure() -> None:
    found = measures.of_videos([falling("brightness", 0.19)], ASKED)
    assert found["brightness, first 15 %"][0] == pytest.approx(0.49)
    assert found["brightness, last less first"][0] == pytest.approx(-0.17)
    assert found["brightness, slope per minute"][0] == pytest.approx(-0.6)
    assert found["brightness, worst 10 s"][0] == pytest.approx(0.135)
    assert found["light kept"][0] == 0
    assert measures.of_videos([falling("brightness", 0.04)], ASKED)["light kept"][0] == 1
    assert measures.of_videos([falling("motion", 0.4)], ASKED)["light kept"][0] == 1


def test_ends_of_adherence() -> None:
    found = measures.of_videos([record(1, wrong=1)], ASKED)
    assert found["adherence, first 4 s"][0] == 1 and found["adherence, last 4 s"][0] == 0
    assert found["adherence, last 4 s, held-out prompts"][0] == 0


def test_sets_that_change_move_away_from_true_renders() -> None:
    prompts = range(8)
    real, own = ([record(i, seed) for i in prompts for seed in seeds] for seeds in ((1, 2), (3, 4)))
    floors = [[record(i, seed) for i in prompts for seed in (5 + 2 * n, 6 + 2 * n)] for n in range(3)]
    near = measures.distances(own, real, floors)
    lost = measures.distances([record(0, seed, wrong=9) for seed in range(20, 36)], real, floors)
    for name in ("kernel distance above floor", "Frechet distance above floor"):
        assert near[name].shape == (2,)
        assert (lost[name] > 20 * np.abs(near[name])).all()
    alike = measures.distances([record(i, 3, noise=0) for i in prompts], real, [f[::2] for f in floors])
    assert (alike["distance between prompts"] > 0.5).all()
