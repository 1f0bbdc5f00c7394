"""Imports run downwards only."""

import ast
from pathlib import Path

import pytest

# A package may import from those before it on its own line of this list, and from itself.
FLOORS = [
    "errors",
    "ops",
    "layers",
    "models",
    ["profiling", "interop"],
    "training",
    "inference",
    "explain",
    "benchmarking",
    "studies",
]
FRONT_ROW = {"main", "prepare", "evaluate", "predict", "summary", "visualize", "benchmark", "compare", "report"}
# Beside the floors: what these may import, and from which floor upwards they may be imported.
BESIDE = {"data": {"errors", "whole_file", "data"}, "reporting": {"errors", "whole_file", "reporting"}}
HEAVY_FREE = {"jax", "jaxlib", "flax", "tensorflow", "grain", "tensorflow_datasets", "matplotlib"}
DRAWERS = {"utils.py", "util.py", "common.py", "helpers.py", "helper.py", "misc.py"}

PACKAGE = Path(__file__).parents[1] / "simam_jax"
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def height(name: str) -> float:
    for level, floor in enumerate(FLOORS):
        if name == floor or (name in floor and isinstance(floor, list)):
            return level
    return {"command": 0.5, "host_memory": 0.5, "whole_file": 0.5, "data": 0, "reporting": 0}.get(name, len(FLOORS))


def imported(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("simam_jax.")} - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    here, rooms = room(path), own_rooms(path)
    if here == "__init__":
        return
    if here in BESIDE:
        assert rooms <= BESIDE[here]
        return
    for other in rooms - {here}:
        assert other not in FRONT_ROW, f"{here} imports the command {other}"
        assert height(other) < height(here), f"{here} imports {other}, which is not below it"
        if other in BESIDE:
            assert height(here) >= FLOORS.index("training")


@pytest.mark.parametrize("beside", BESIDE)
def test_what_stands_beside_imports_no_jax(beside):
    for path in (PACKAGE / beside).rglob("*.py"):
        top = {name.split(".")[0] for name in imported(path, top_level_only=True)}
        allowed = {"grain"} if path.name == "pipeline.py" else set()
        assert not top & (HEAVY_FREE - allowed), path


def test_there_are_no_drawers():
    assert not [path for path in FILES if path.name in DRAWERS]


@pytest.mark.parametrize("name", sorted(FRONT_ROW))
def test_commands_are_short(name):
    assert len((PACKAGE / f"{name}.py").read_text().splitlines()) < 120
