"""The error terms as one HTML page, and as JSON."""

from dataclasses import asdict
from pathlib import Path

from pavdm_cli import whole
from pavdm_cli.models.config import write_json
from pavdm_cli.studies.error_terms import MANY, Terms
from pavdm_cli.studies.page import document, estimate, table
from pavdm_cli.studies.results import plain


def make(folder: Path, terms: Terms, films: int, count: int) -> Path:
    """Write index.html and results.json into a folder; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "results.json", plain(asdict(terms) | {"films": films, "frames": count}))
    rows = [
        [name, estimate(own.total), estimate(own.start), estimate(terms.rolled[name])]
        for name, own in terms.scores.items()
    ]
    calls = [[f"{n} calls", estimate(one)] for n, one in terms.discretisation.items()]
    body = (
        "<h1>Error terms</h1><p>Of the network with a memory of 112, prepended, on "
        f"{films} films, {count} frames after 112 true ones. Per number of a latent; latents have mean "
        "square 1.</p>"
        "<h2>Score error, and what a roll-out loses</h2>"
        + table(["schedule", "score error", "start-up, more than later", "rolled out"], rows)
        + f"<p>Ranked by score error without rolling out, and by roll-outs: rank correlation "
        f"{terms.agreement:+.2f} over {len(rows)} schedules; {terms.chance:.3f} of random orders come as far "
        "from zero.</p>"
        f"<h2>Discretisation</h2><p>Against the same window in {MANY} calls.</p>"
        + table(["", "mean squared difference"], calls)
        + "<h2>Memory</h2><p>What the past beyond 16 frames tells of a window, by the networks with memory "
        f"112 and 16: {estimate(terms.memory)} nats a frame.</p>"
    )
    page = folder / "index.html"
    whole.write(page, document("Error terms", body).encode())
    return page
