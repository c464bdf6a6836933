"""pavdm study: experiments on a model."""

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pavdm_cli.cli import options, study_options, training_options
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import ConfigError
from pavdm_cli.models import library
from pavdm_cli.models.names import DomainName

if TYPE_CHECKING:
    from pavdm_cli.studies.plan import Plan, Progress
    from pavdm_cli.studies.subjects import Study

app = typer.Typer(help="Experiments on a model, each with its page.", no_args_is_help=True)


@app.callback()
def begin() -> None:
    """Keep freed memory for what is rendered next."""
    from pavdm_cli.training import heap

    heap.keep()


@app.command()
def scorecard(
    model: options.Shapes = library.DEFAULT,
    work: study_options.Work = Path("outputs/scorecard"),
    output: study_options.PageFolder = Path("docs/studies/scorecard"),
    quick: study_options.Quick = False,
    prompts: study_options.Prompts = None,
    seconds: study_options.VideoSeconds = None,
    seeds: study_options.Seeds = None,
    batch: study_options.AtOnce = None,
    probe: study_options.ProbeFolder = None,
    calibrate: study_options.Calibrate = False,
    against: study_options.Against = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Hold a model's videos of fixed prompts against true renders: what they show, and for how long."""
    _needs_plots()
    from pavdm_cli.cli import order
    from pavdm_cli.models import native
    from pavdm_cli.models.device import place
    from pavdm_cli.studies import calibration, page, results
    from pavdm_cli.studies import scorecard as study
    from pavdm_cli.studies.claims import identity, probe_hash
    from pavdm_cli.studies.plan import QUICK, Plan

    out = Output()
    other = results.read(against) if against else None
    plan = _plan(QUICK if quick else Plan(), prompts, seconds=seconds, seeds=seeds, batch=batch)
    if len(plan.prompts) < 2:
        raise ConfigError(f"--prompts {prompts}: distances are between sets of videos; give 2 or more")
    judge, judge_folder = study.load_probe(probe)
    there = output / "calibration.json"
    if calibrate:
        known = probe_hash(judge_folder)
        _follow(out, calibration.make(judge, known, calibration.PLAN, work / "calibration"))
        output.mkdir(parents=True, exist_ok=True)
        found = calibration.judge(calibration.PLAN, known, work / "calibration")
        calibration.write(there, found)
    loaded = native.load(library.find(model), place(order.device(device), order.dtype(dtype)))
    own = identity(loaded, library.find(model), judge_folder, plan.seconds)
    out.line("study", f"{len(plan.videos)} videos of {plan.seconds} s; records in {work}")
    _follow(out, study.make(loaded, judge.to(loaded.place.device), plan, own, work))
    scores = study.score(plan, own, work)
    output.mkdir(parents=True, exist_ok=True)
    results.write(output / "results.json", scores)
    calibrated = calibration.read(there) if there.exists() else None
    if calibrated and calibrated.probe != own.probe:
        out.remark(f"{there}: of another probe, so it is left out; make it again with --calibrate")
        calibrated = None
    written = page.write(output, plan, scores, work, calibrated, other)
    for gate in results.gates(scores):
        out.line("holds" if gate.passed else "fails", f"{gate.name}: {gate.value:.3f}, wanted {gate.wanted}")
    out.line("page", str(written))


@app.command()
def accumulation(
    model: options.Shapes = library.DEFAULT,
    work: study_options.Work = Path("outputs/accumulation"),
    renders: study_options.Renders = Path("outputs/scorecard"),
    output: study_options.PageFolder = Path("docs/studies/accumulation"),
    neutral: study_options.Neutral = None,
    twins: study_options.Twins = None,
    only: study_options.Only = "",
    quick: study_options.Brief = False,
    prompts: study_options.Prompts = None,
    seconds: study_options.VideoSeconds = None,
    seeds: study_options.Seeds = None,
    batch: study_options.AtOnce = None,
    probe: study_options.ProbeFolder = None,
    dry_run: options.DryRun = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Hold progressive levels against the ways of rolling that they replace, at equal cost."""
    if not dry_run:
        _needs_plots()
    from pavdm_cli.cli import order
    from pavdm_cli.models import native
    from pavdm_cli.models.config import write_json
    from pavdm_cli.models.device import place
    from pavdm_cli.studies import accumulation as study
    from pavdm_cli.studies import guidance, outcomes, scorecard
    from pavdm_cli.studies.claims import identity
    from pavdm_cli.studies.plan import render_kinds
    from pavdm_cli.studies.subjects import Study, subjects

    out = Output()
    plan = _plan(study.QUICK if quick else study.FULL, prompts, seconds=seconds, seeds=seeds, batch=batch)
    judge, judge_folder = scorecard.load_probe(probe)
    loaded = native.load(library.find(model), place(order.device(device), order.dtype(dtype)))
    own = identity(loaded, library.find(model), judge_folder, plan.seconds)
    compared = subjects(loaded, library.find(model), neutral, _named(twins or []), only)
    whole = Study(compared, plan, judge.to(loaded.place.device), own.probe, work, renders)
    _costs(out, whole)
    if dry_run:
        return
    from pavdm_cli.studies import accumulation_page  # needs matplotlib

    _follow(out, scorecard.make(loaded, judge, plan, own, renders, render_kinds(), "--renders"))
    for part in (guidance.tune, study.make, study.force):
        _follow(out, part(whole))
    results = outcomes.score(whole)
    written = accumulation_page.write(output, whole, results)
    write_json(output / "results.json", outcomes.plain(results))
    for subject, found in results.outcomes.items():
        for one in found:
            if one.apart:
                out.line(subject, f"than {one.name} progressive is {accumulation_page.sentences(one)}")
    out.line("page", str(written))


def _named(twins: list[str]) -> dict[str, Path]:
    """Read NAME=FOLDER pairs.

    Raises:
        ConfigError: one has no name or no folder, or two have one name.
    """
    pairs = [one.partition("=") for one in twins]
    for one, (name, _, folder) in zip(twins, pairs, strict=True):
        if not name.isidentifier() or not folder:
            raise ConfigError(f"--twin {one}: give NAME=FOLDER, the name in letters and digits")
    found = {name: Path(folder) for name, _, folder in pairs}
    if len(found) < len(pairs):
        raise ConfigError("--twin: two have one name; give each its own")
    return found


def _costs(out: Output, study: "Study") -> None:
    """Say what is to be made, and what it costs."""
    from pavdm_cli.studies import accumulation, guidance, scorecard
    from pavdm_cli.studies.plan import render_kinds
    from pavdm_cli.studies.subjects import latents

    plan, found = study.plan, accumulation.cost(study)
    usual = study.subjects[0].known[0].size(latents(study))
    for subject, variant, missing, shown in found:
        out.line(
            subject.name,
            f"{variant.name:<26} {missing:>4} videos to make, {shown / plan.seconds:>5.0f} latents shown for "
            f"a second of each  {variant.spelled(subject.pipeline.config.sampling)}",
        )
    videos = sum(missing for *_, missing, _ in found)
    work = sum(missing * shown for *_, missing, shown in found) / usual.evaluations
    out.line(
        "cost",
        f"{videos} videos of {plan.seconds} s, as much work as {work:.0f} of progressive, and "
        f"{guidance.missing(study)} of {guidance.TUNED_SECONDS} s that guidance is chosen by; records in "
        f"{study.work}",
    )
    renders = scorecard.undone(plan, render_kinds(), study.renders)
    out.line("renders", f"{len(renders)} of {plan.seconds} s to make; records in {study.renders}")


def _plan(plan: "Plan", prompts: int | None, **given: int | None) -> "Plan":
    """Return a plan with what was given in the place of its own."""
    from pavdm_cli.studies.plan import first

    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if prompts is not None:
        changes["prompts"] = first(prompts)
    return replace(plan, **changes)


@app.command()
def retrieval(
    trained: study_options.Trained,
    domain: training_options.Domain = "mazes",
    work: study_options.OwnWork = None,
    output: study_options.OwnPage = None,
    quick: Annotated[bool, typer.Option("--quick", help="20 clips a bin, 8 roll-outs.")] = False,
    device: options.Device = "auto",
) -> None:
    """Ask networks trained by `train memory` for places they saw before: how many are found again."""
    _needs_plots()
    from pavdm_cli.cli import order
    from pavdm_cli.models.device import place
    from pavdm_cli.studies import retrieval as study
    from pavdm_cli.studies import retrieval_page
    from pavdm_cli.training.domain import DOMAINS

    out, where = Output(), place(order.device(device), "auto").device
    name = _named_after("retrieval", domain)
    work, output = work or Path("outputs") / name, output or Path("docs/studies") / name
    own = study.Study(trained, work, study.QUICK if quick else study.Plan(), DOMAINS[domain])
    out.line("study", f"{len(own.clips)} clips, rows {', '.join(own.rows())}; records in {work}")
    told = own.check()
    out.line(
        "judge", ", ".join(f"{name} {share:.3f}" for name, share in told.items()) + " right on true views"
    )
    for row in (study.CEILING, *own.rows()):
        for now in own.run(row, where):
            out.line("done", f"{now.row}: {now.done} of {now.all}")
    written = retrieval_page.make(output, own.records(), own.clips, told, own.shown(where), own.about)
    out.line("page", str(written))


@app.command()
def errors(
    trained: study_options.Trained,
    domain: training_options.Domain = "mazes",
    output: study_options.OwnPage = None,
    films: Annotated[int, typer.Option(help="Films measured.")] = 48,
    device: options.Device = "auto",
) -> None:
    """Measure the error terms of Meta-ARVDM's bound on networks trained by `train memory`."""
    _needs_plots()
    from pavdm_cli.cli import order
    from pavdm_cli.models import coder
    from pavdm_cli.models.device import place
    from pavdm_cli.studies import error_page, error_terms, revisits
    from pavdm_cli.studies.retrieval import ROLLED, SEED, load
    from pavdm_cli.training import memory
    from pavdm_cli.training.domain import DOMAINS
    from pavdm_cli.training.memory_parts import held

    if films < 2:
        raise ConfigError(f"--films {films}: must be at least 2")
    out, where = Output(), place(order.device(device), "auto").device
    held(trained, DOMAINS[domain])
    rows = ("prepend-16", "prepend-112")
    for row in rows:
        if not memory.finished(trained / row):
            raise ConfigError(
                f"--trained {trained}: {row} is not trained to its end; go on with 'pavdm train memory'"
            )
    short, long = (load(trained / row, where) for row in rows)
    frames = memory.LONGEST + ROLLED
    own = revisits.encoded(
        DOMAINS[domain], SEED, revisits.rolled_out(range(films)), frames, coder.load(trained)
    )
    terms = error_terms.measure(short, long, own, ROLLED)
    out.line("ranking", f"{terms.agreement:+.2f} between score errors and roll-outs")
    output = output or Path("docs/studies") / _named_after("errors", domain)
    out.line("page", str(error_page.make(output, terms, films, ROLLED)))


def _named_after(study: str, domain: DomainName) -> str:
    """Name a study's folder: the mazes' is the study's own."""
    return study if domain == "mazes" else f"{study}-{domain}"


def _needs_plots() -> None:
    """Say before hours of work that the page could not be drawn at their end."""
    if find_spec("matplotlib") is None:
        raise ConfigError("the page's plots need matplotlib; pip install matplotlib")


def _follow(out: Output, progress: Iterator["Progress"]) -> None:
    """Say how far a study is after each group of videos."""
    from pavdm_cli.cli.display import clock

    begun, first = time.monotonic(), None
    for now in progress:
        first = now.done if first is None else first
        passed = time.monotonic() - begun
        left = passed * (now.all - now.done) / (now.done - first) if now.done > first else 0.0
        if now.kind:
            out.line(
                "done", f"{now.done} of {now.all}  {now.kind}  {clock(passed)} passed, {clock(left)} left"
            )
