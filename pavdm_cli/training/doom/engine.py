"""Views of houses by Doom's software renderer, from any pose.

The engine is put at a pose by its console (`warp`, in whole units) and turned by its delta button (in steps
of 1/65536 turn); both are read back. So a pose is seen from a point at most 0.7 units (a 90th of a cell) off,
always the same one, and a frame seen again is the same to the byte.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.errors import RunError
from pavdm_cli.models.ways import HEADINGS, UNIT
from pavdm_cli.training.doom import wad
from pavdm_cli.training.doom.house import House, lumps
from pavdm_cli.training.doom.plan import UNITS

ACROSS, DOWN = 256, 192
"""Pixels that the engine draws; the square in their middle is kept."""
WIDE = DOWN / ACROSS
"""Tangent of half of the angle that a view is wide: 74 degrees."""
TURN = 65536
"""Steps of the engine's angles in a turn."""
READY = 10
"""Tics before which the player cannot turn."""
EYE = 41
"""Units from the floor to the eye."""
MOST = 99
"""Maps in one file."""
FAILURES = (
    "FileDoesNotExistException",
    "MessageQueueException",
    "SharedMemoryException",
    "ViZDoomErrorException",
    "ViZDoomUnexpectedExitException",
)
"""What vizdoom raises when its engine cannot start or go on."""
SKILL = 3
"""At 5, the scenario's own, the console does not obey."""


def placed(poses: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where poses (N, 3) are seen from: points in Doom's units (N, 2), and angles in radians (N,)."""
    return _point(poses), np.radians(_step(poses[:, 2]) * (360 / TURN)).astype(np.float64)


def see(houses: Sequence[House], which: NDArray[np.int64], poses: NDArray[np.int64], size: int) -> Tensor:
    """Return views (N, size, size, 3) uint8 of houses[which] (N,) from poses (N, 3).

    size: a divisor of 192. The views of a house are drawn one after the other.

    Raises:
        ConfigError: vizdoom is not installed.
        RunError: the engine does not start, or does not go where it is put.
    """
    assert DOWN % size == 0
    out = np.empty((len(poses), size, size, 3), np.uint8)
    points, steps = _point(poses), _step(poses[:, 2])
    for first in range(0, len(houses), MOST):
        some = houses[first : first + MOST]
        with _running(some) as game:
            for number in range(len(some)):
                game.set_doom_map(_name(number))
                game.new_episode()
                for n in np.flatnonzero(which == first + number):
                    _go(game, points[n], int(steps[n]))
                    out[n] = _shrunk(game.get_state().screen_buffer, size)
    return torch.from_numpy(out)


@contextlib.contextmanager
def _running(houses: Sequence[House]) -> Iterator[Any]:
    """Start the engine, with each house as a map; it leaves nothing behind."""
    library = wad.engine()
    game = library.DoomGame()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "houses.wad"
        wad.write(path, [lump for n, house in enumerate(houses) for lump in lumps(house, _name(n))])
        _set(game, library, path)
        try:
            with contextlib.chdir(folder):  # it leaves a folder and a file where it is started
                game.init()
            yield game
        except tuple(getattr(library, name) for name in FAILURES) as error:
            raise RunError(f"Doom's engine stopped ({error}); start again, it goes on from there") from error
        finally:
            game.close()


def _set(game: Any, library: Any, path: Path) -> None:
    """Say what is drawn: no weapon, no marks, no messages, nothing that changes by itself."""
    game.set_doom_scenario_path(str(path))
    game.set_doom_game_path(str(Path(library.root_path) / "freedoom2.wad"))
    game.set_doom_map(_name(0))
    game.set_doom_skill(SKILL)
    game.set_screen_resolution(library.ScreenResolution.RES_256X192)
    game.set_screen_format(library.ScreenFormat.RGB24)
    for part in ("hud", "weapon", "crosshair", "decals", "particles", "messages"):
        getattr(game, f"set_render_{part}")(False)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_mode(library.Mode.PLAYER)
    game.set_available_buttons([library.Button.TURN_LEFT_RIGHT_DELTA])
    names = ("POSITION_X", "POSITION_Y", "ANGLE", "CAMERA_POSITION_Z")
    game.set_available_game_variables([getattr(library.GameVariable, name) for name in names])
    game.set_episode_start_time(READY)
    game.set_episode_timeout(0)
    game.set_seed(0)


def _go(game: Any, point: NDArray[np.int64], step: int) -> None:
    """Put the player at a point, facing a step of a turn.

    Raises:
        RunError: it is not there.
    """
    u, v = (int(value) for value in point)
    now = round(game.get_state().game_variables[2] / 360 * TURN)
    right = (now - step + TURN // 2) % TURN - TURN // 2
    game.send_game_command(f"warp {u} {v}")
    game.make_action([(right + 0.5) * 360 / TURN], 1)  # rounded down
    game.make_action([0], 1)  # the eye is up again
    x, y, angle, eye = game.get_state().game_variables
    there = round(x), round(y), round(angle / 360 * TURN) % TURN, round(eye)
    if there != (u, v, step, EYE):
        raise RunError(f"Doom's engine is at {there}, not at {(u, v, step, EYE)}; it needs vizdoom 1.3")


def _shrunk(screen: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Return the square in the middle of a screen, its pixels averaged."""
    beside, each = (ACROSS - DOWN) // 2, DOWN // size
    square = screen[:, beside : beside + DOWN].reshape(size, each, size, each, 3)
    mean: NDArray[np.float64] = square.mean((1, 3)).round()
    return mean


def _point(poses: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.round(poses[:, :2] * (UNIT * UNITS)).astype(np.int64)


def _step(headings: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.round(headings * (TURN / HEADINGS)).astype(np.int64) % TURN


def _name(number: int) -> str:
    return f"MAP{number + 1:02}"
