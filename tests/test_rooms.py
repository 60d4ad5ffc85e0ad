"""CONTRIBUTING's table of rooms, held against what the modules import."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "salzoo"
NAME = re.compile(r"`(\w+(?:/|\.py))`")
ABOVE = "what stands above"
INSIDE = "inside functions"


@cache
def rows() -> list[tuple[list[str], str]]:
    """The rooms of each row, from the lowest up, and what it says that they may import."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("### Rooms")[2].partition("\n### ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [(NAME.findall(where), may) for where, _, may in lines]


def allowed() -> dict[str, tuple[set[str], set[str]]]:
    """By room, what it may import, and what only inside functions."""
    found, above = {}, set[str]()
    for rooms, text in rows():
        always, _, inside = text.partition(INSIDE)
        may = set(NAME.findall(always)) | set(rooms) | (above if ABOVE in text else set())
        found |= {room: (may - {room}, set(NAME.findall(inside))) for room in rooms}
        above |= set(rooms)
    return found


def room_of(module: str) -> str:
    """The room of a module's dotted name: a folder with a slash, or a file of the top."""
    name = module.split(".")[1] if "." in module else "__init__"
    return f"{name}/" if (HOUSE / name).is_dir() else f"{name}.py"


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """The rooms that a file imports from, and whether only when a function runs (or for the type checker)."""

    def visit(node: ast.AST, later: bool) -> Iterator[tuple[str, bool]]:
        later = later or isinstance(node, ast.FunctionDef) or (isinstance(node, ast.If) and "TYPE_" in ast.dump(node))
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"salzoo.{each.name}" for each in node.names] if node.module == "salzoo" else [node.module]
        elif isinstance(node, ast.Import):
            modules = [each.name for each in node.names]
        for module in modules:
            if module.split(".")[0] == "salzoo":
                yield room_of(module), later
        for child in ast.iter_child_nodes(node):
            yield from visit(child, later)

    yield from visit(ast.parse(path.read_text()), False)


@cache
def imports() -> dict[str, dict[str, bool]]:
    """By room, the rooms that it imports, and whether only inside functions."""
    found: dict[str, dict[str, bool]] = {}
    for path in sorted(HOUSE.rglob("*.py")):
        room = room_of(".".join(("salzoo", *path.relative_to(HOUSE).with_suffix("").parts)))
        entries = found.setdefault(room, {})
        for other, later in imports_of(path):
            if other != room:
                entries[other] = entries.get(other, True) and later
    return found


def test_every_room_is_in_the_table():
    assert sorted(imports()) == sorted(room for rooms, _ in rows() for room in rooms)


@pytest.mark.parametrize("room", sorted(imports()))
def test_a_room_imports_what_the_table_says(room):
    may, inside = allowed()[room]
    assert {other for other, later in imports()[room].items() if not later} - may == set()
    assert set(imports()[room]) - may - inside == set()


def test_no_circle_of_rooms():
    graph = {room: [other for other, later in others.items() if not later] for room, others in imports().items()}
    assert set(TopologicalSorter(graph).static_order()) == set(graph)  # raises CycleError, which names the circle


def test_what_the_table_allows_beyond_its_order_is_used():
    for room, (_, inside) in allowed().items():
        assert inside <= {other for other, later in imports()[room].items() if later}
