"""Random plans for every schedule."""

from hypothesis import strategies as st

from pavdm_cli.sampling.schedule import SCHEDULES, Ramp

ENDLESS = ("progressive", "rolling", "queue")

Plan = tuple[str, int, Ramp, int]
"""A schedule's name, a number of latents, a ramp, and how many latents are given."""


@st.composite
def ramps(draw: st.DrawFn, name: str) -> Ramp:
    """Draw a ramp that a schedule can use."""
    chunk, chunks, lag = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    if name in ("fifo", "rolling"):
        chunk = 1
    steps = lag * chunks if name in (*ENDLESS, "fifo") else draw(st.integers(1, 12))
    return Ramp(
        steps=steps,
        window=chunk * chunks,
        chunk=chunk,
        context=draw(st.integers(0, 6)),
        sink=draw(st.booleans()),
        context_level=draw(st.sampled_from((0.0, 0.1))),
        shift=draw(st.floats(0.1, 10)),
        curve=draw(st.floats(0.3, 3)),
        renoise_above=draw(st.sampled_from((0.0, 0.4, 1.0))),
        lag=draw(st.integers(0, 4)),
    )


@st.composite
def plans(draw: st.DrawFn, names: tuple[str, ...] = tuple(SCHEDULES)) -> Plan:
    name = draw(st.sampled_from(names))
    there = draw(st.integers(0, 9))
    return name, there + draw(st.integers(1, 25)), draw(ramps(name)), there
