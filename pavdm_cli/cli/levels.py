"""A schedule as a picture: rows are model calls, columns are latents, colours are levels of noise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.style import Style
from rich.text import Text

from pavdm_cli.sampling.schedule import Step

MOVED = ((255, 222, 120), (214, 96, 77), (46, 14, 66))  # clean, half, noise
BESIDE = ((176, 224, 214), (74, 146, 140), (16, 56, 66))
EMPTY = (255, 255, 255)
DARK = (24, 24, 24)  # for a terminal
LARGE, SMALL = 8, 1  # pixels a cell is high, at most and at least
HIGH, WIDE = 1200, 10  # pixels the picture is high, about; a cell is wide
MARGIN, LINE = 6, 16


def picture(steps: Sequence[Step], empty: tuple[int, int, int] = EMPTY) -> NDArray[np.uint8]:
    """Return (calls, latents, 3): yellow to purple for latents that move, green for those only shown."""
    width = 1 + max(max(step.latents) for step in steps)
    out = np.full((len(steps), width, 3), empty, np.uint8)
    for row, step in enumerate(steps):
        for k, now, to in zip(step.latents, step.level, step.next, strict=True):
            out[row, k] = _colour(now, BESIDE if to == now else MOVED)
    return out


def drawn(steps: Sequence[Step], title: str) -> NDArray[np.uint8]:
    """Return the picture at a size to look at, with its title and what the colours mean, (H, W, 3)."""
    cells = picture(steps)
    height = max(SMALL, min(LARGE, HIGH // len(cells)))
    large = cells.repeat(height, axis=0).repeat(WIDE, axis=1)
    words = (title, f"down: {len(cells)} model calls; across: {cells.shape[1]} latents")
    width = max(large.shape[1] + 2 * MARGIN, 480)
    top = MARGIN + LINE * (len(words) + 1) + MARGIN
    sheet = Image.new("RGB", (width, top + len(large) + MARGIN), EMPTY)
    draw = ImageDraw.Draw(sheet)
    for i, text in enumerate(words):
        draw.text((MARGIN, MARGIN + LINE * i), text, fill=(0, 0, 0))
    _legend(draw, MARGIN + LINE * len(words))
    sheet.paste(Image.fromarray(large), (MARGIN, top))
    return np.asarray(sheet)


def digits(steps: Sequence[Step], columns: int) -> Text:
    """Draw levels as 0 to 9, a line a call; a point for clean context."""
    lines = []
    for step in steps:
        line = [" "] * columns
        for k, now, to in zip(step.latents, step.level, step.next, strict=True):
            if k < columns:
                line[k] = "." if now == to == 0 else str(round(9 * now))
        lines.append("".join(line).rstrip())
    return Text("\n".join(lines))


def half_blocks(pixels: NDArray[np.uint8]) -> Text:
    """Draw pixels (H, W, 3), H even, in half blocks: the upper is the character, the lower its background."""
    text = Text()
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", Style(color=_hex(above), bgcolor=_hex(below)))
        text.append("\n")
    text.rstrip()
    return text


def _legend(draw: ImageDraw.ImageDraw, y: int) -> None:
    x = MARGIN
    for name, colours in (("moved", MOVED), ("context", BESIDE)):
        for i in range(11):
            draw.rectangle((x, y + 2, x + 5, y + 11), fill=_colour(i / 10, colours))
            x += 6
        draw.text((x + 4, y), f"{name}: clean to noise", fill=(0, 0, 0))
        x += 160


def _colour(level: float, colours: tuple[tuple[int, int, int], ...]) -> tuple[int, int, int]:
    """Return the colour of a level between clean, half and noise."""
    low, high = (colours[0], colours[1]) if level < 0.5 else (colours[1], colours[2])
    share = 2 * level - (level >= 0.5)
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(low, high, strict=True))
    return red, green, blue


def _hex(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
