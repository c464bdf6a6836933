"""The house rules: who may import whom, what stays light, how large a thing may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pavdm_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
FLOORS = {
    "errors": 0, "sampling": 1, "whole": 1, "models": 2, "media": 2, "drift": 2,
    "runs": 3, "training": 4, "studies": 5, "cli": 6, "__main__": 7,
}  # fmt: skip
"""A part may import its own modules and those of parts on lower floors."""

LIBRARIES = {"sampling": {"torch", "numpy", "einops"}}
MOST_LINES = 320
MOST_FUNCTION_LINES = 80


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_go_down(path: Path) -> None:
    own = part(path)
    for name in imported(path):
        other = name.split(".")[1] if name.startswith("pavdm_cli.") else own
        if other in FLOORS and other != own:
            assert FLOORS[other] < FLOORS[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    own, roots = part(path), {name.split(".")[0] for name in imported(path)}
    assert own == "cli" or not roots & {"typer", "rich", "click"}
    assert "click" not in roots and not any(name.startswith("typer._") for name in imported(path))
    if own in LIBRARIES:
        assert roots <= LIBRARIES[own] | {"pavdm_cli"} | sys.stdlib_module_names


def test_the_schedule_knows_no_torch() -> None:
    for path in (PACKAGE / "sampling").glob("schedule*.py"):
        assert not {"torch", "einops"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    lines = text.count("\n")
    assert lines <= MOST_LINES, f"{lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MOST_FUNCTION_LINES, f"{path}: {node.name}"


def test_no_drawers_for_anything() -> None:
    assert not {path.name for path in FILES} & {"utils.py", "common.py", "base.py", "helpers.py"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["generate", "--help"], ["models", "list"], ["runs", "list"]], ids=" ".join
)
def test_light_commands_load_no_torch(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom pavdm_cli.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as end:\n    code = end.code\n"
        "print('torch' in sys.modules, code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr == "False 0\n"
