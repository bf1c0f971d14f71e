"""How the package is laid out, read from its syntax trees: which file imports which, and on which floor a room stands.

A room is a folder, or a file outside the folders. Files that only hand on names belong to the room that they are the door of.
``python tests/helpers/house.py`` prints the layout's figures.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
DOORS_OF = {"extend": "", "segmentation": "", "__main__": "cli"}


def sources(root: Path) -> dict[str, ast.Module]:
    """The syntax tree of every module under `root`, by the module's dotted name."""
    trees = {}
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return trees


def imported_names(tree: ast.Module, modules: set[str]) -> Iterator[tuple[str, str]]:
    """Every limelight module that a tree imports anywhere, for type checkers too, with the name that it takes from there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "limelight")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "limelight":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, "") if inner in modules else (str(node.module), alias.name)


def imports(root: Path) -> dict[str, set[str]]:
    """For every module the modules that it imports."""
    trees = sources(root)
    return {module: {target for target, _ in imported_names(tree, set(trees))} for module, tree in trees.items()}


def looked_up(tree: ast.Module) -> Iterator[str]:
    """Every ``"limelight.module:attribute"`` in a tree's tables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for value in node.values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.startswith("limelight."):
                    yield value.value


def room(module: str) -> str:
    """The room that a module is in; ``""`` is the public door, the package's own ``__init__`` and its companions."""
    name = module.removeprefix("limelight").removeprefix(".").partition(".")[0]
    return DOORS_OF.get(name, name)


def circles(graph: dict[str, set[str]]) -> list[str]:
    """A circle of imports, where there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def rooms_of(root: Path) -> dict[str, set[str]]:
    """For every room the other rooms that it imports from."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module, targets in imports(root).items():
        graph[room(module)] |= {room(target) for target in targets} - {room(module)}
    return dict(graph)


def levels(graph: dict[str, set[str]]) -> dict[str, int]:
    """For every room its level: 1 where it imports from no other, else one more than the highest that it imports from."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        found[name] = 1 + max((found[target] for target in graph.get(name, ())), default=0)
    return found


def handed_out(root: Path, folder: str) -> dict[str, set[str]]:
    """For each name that a folder hands out, the modules outside it that import the name."""
    trees = sources(root)
    inside = f"limelight.{folder}"
    users: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        if f"{module}.".startswith(f"{inside}."):
            continue
        for target, name in imported_names(tree, set(trees)):
            if f"{target}.".startswith(f"{inside}."):
                users[name or target.removeprefix(f"{inside}.")].add(module)
    return dict(users)


def folders(root: Path) -> list[str]:
    """The package's folders by their dotted names, without the package's own."""
    files = (root / "limelight").rglob("__init__.py")
    names = (".".join(file.parent.relative_to(root / "limelight").parts) for file in files)
    return sorted(filter(None, names))


def report(root: Path) -> str:
    """The layout's figures, as lines of text."""
    graph = rooms_of(root)
    heights = levels(graph)
    arrows = sum(map(len, graph.values()))
    lines = [f"{len(graph)} rooms on {max(heights.values())} levels, {arrows} arrows between them"]
    for level in range(max(heights.values()), 0, -1):
        names = ", ".join(sorted(name or "the public door" for name in graph if heights[name] == level))
        lines.append(f"  {level:2}  {names}")
    lines.append("names that outsiders import from a folder:")
    for folder in folders(root):
        handed = handed_out(root, folder)
        lines.append(f"  {folder:18} {len(handed):2}  {', '.join(sorted(handed))}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(SOURCE))
