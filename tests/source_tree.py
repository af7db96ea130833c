"""The project's own modules as syntax trees: what each imports, and what importing it loads."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[1]
WINGS = {
    "kosmos_agent": ROOT / "kosmos_agent",
    "kosmos_sim": ROOT / "simulations" / "kosmos_sim",
    "kosmos_ros": ROOT / "ros_nodes" / "kosmos_ros" / "kosmos_ros",
    "langchain_kosmos": ROOT / "tools" / "langchain_kosmos",
    "kosmos_mcp": ROOT / "tools" / "kosmos_mcp",
}


def module_name(path, wing, top):
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join((wing, *(part for part in parts if part != "__init__")))


@functools.cache
def modules():
    """Dotted name -> (path, syntax tree) of every module of the wings."""
    found = {}
    for wing, top in WINGS.items():
        for path in sorted(top.rglob("*.py")):
            found[module_name(path, wing, top)] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def statements(body, *, late):
    """Statements that run on import; with `late`, those inside functions too."""
    for node in body:
        if is_type_checking(node):
            continue
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
            continue
        for name in ("body", "orelse", "finalbody", "handlers"):
            yield from statements(getattr(node, name, None) or [], late=late)


def imports(name, *, late=True):
    """Full dotted names that the module imports; `from a import b` gives `a.b`, which may be a thing in `a`."""
    path, tree = modules()[name]
    assert path.exists()
    for node in statements(tree.body, late=late):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, package):
    return name == package or name.startswith(package + ".")


def as_module(name):
    """The module that an imported name lives in: itself, or its parent where it is a thing in a module."""
    return name if name in modules() else name.rpartition(".")[0]


def reached(name):
    """All modules, ours and foreign, that importing `name` loads, as far as our own files say."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        parents = [current.rsplit(".", count)[0] for count in range(1, current.count(".") + 1)]
        waiting += [parent for parent in parents if parent in modules()]
        if current in modules():
            waiting += [as_module(item) for item in imports(current, late=False)]
    return seen


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
