"""The house rules, checked over the source: who may import whom, and how long things may be."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = {
    "kosmos_agent": ROOT / "kosmos_agent",
    "kosmos_sim": ROOT / "simulations" / "kosmos_sim",
    "kosmos_ros": ROOT / "ros_nodes" / "kosmos_ros" / "kosmos_ros",
    "langchain_kosmos": ROOT / "tools" / "langchain_kosmos",
    "kosmos_mcp": ROOT / "tools" / "kosmos_mcp",
}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 320, 60

PURE = (
    "asks", "calibration", "clarify", "drawing", "errors", "images", "location", "marks", "markup", "network",
    "phrases", "remote", "remote_calls", "results", "tokens", "version",
)  # fmt: skip
SIDE = ("training", "grit", "evaluation", "serving", "benchmarking", "cli")
ROS = (
    "rclpy",
    "action_msgs",
    "ament_index_python",
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "kosmos_interfaces",
    "launch",
    "launch_ros",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "tf2_msgs",
    "vision_msgs",
    "visualization_msgs",
)
# They work where there is no ROS: a recorder of bags, a table in the docs, the command line need them.
ROS_FREE = (
    "config_files",
    "docs_tables",
    "domains",
    "errors",
    "environment",
    "faults",
    "graph",
    "pixels",
    "poses",
    "processes",
    "settings",
    "settings_table",
    "sim_world",
    "transform_edges",
    "transforms",
)

# Who may not import what. Longer names are more exact: "kosmos_agent.cli" stands for the package and all in it.
FORBIDDEN = {
    "kosmos_agent.model": (
        "kosmos_agent.export",
        "kosmos_agent.runtime",
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
    ),
    "kosmos_agent.export": (
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
        "kosmos_agent.runtime",
    ),
    "kosmos_agent.runtime": (
        "kosmos_agent.inference",
        "kosmos_agent.view",
        "kosmos_agent.grounder",
        "kosmos_agent.robot",
    ),
    "kosmos_agent.inference": ("kosmos_agent.view", "kosmos_agent.grounder", "kosmos_agent.robot"),
    "kosmos_agent.robot": ("kosmos_agent.model", "kosmos_agent.inference", "torch"),
    "kosmos_agent.serving": ("kosmos_agent.model", "kosmos_agent.inference", "kosmos_agent.cli"),
    "kosmos_agent.view": ("kosmos_agent.robot",),
    "kosmos_agent.grounder": ("kosmos_agent.robot",),
    "kosmos_agent.skills": ("kosmos_agent.model", "kosmos_agent.cli", "kosmos_agent.training", "kosmos_sim", "torch"),
    "kosmos_agent.grit": ("kosmos_agent.cli", "kosmos_agent.robot", "kosmos_agent.skills", "kosmos_agent.evaluation"),
    "kosmos_sim": (
        "kosmos_agent.model",
        "kosmos_agent.inference",
        "kosmos_agent.grounder",
        "kosmos_agent.cli",
        "torch",
    ),
    # Nodes see through the public face alone.
    "kosmos_ros": (
        "kosmos_agent.model",
        "kosmos_agent.inference",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "torch",
    ),
    # Tools and agents know no robot, no simulator and no engine.
    "langchain_kosmos": (
        "kosmos_agent.model",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "kosmos_sim",
        "kosmos_ros",
        "kosmos_mcp",
        "torch",
    ),
    "kosmos_mcp": (
        "kosmos_agent.model",
        "kosmos_agent.training",
        "kosmos_agent.evaluation",
        "kosmos_agent.cli",
        "kosmos_sim",
        "kosmos_ros",
        "langchain_kosmos",
        "torch",
    ),
}
UNSAFE_MODULES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle")
UNSAFE_CALLS = ("eval", "exec", "compile", "__import__", "torch.load", "torch.save", "os.system", "os.popen")

# `--help` must not wait for torch: commands import their heavy halves when they run.
MAY_IMPORT_LATE = "kosmos_agent.cli"


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


def test_the_wings_are_found():
    assert "kosmos_agent.results" in modules()
    assert "kosmos_sim.records" in modules()
    assert "kosmos_ros.transforms" in modules()
    assert "torch" in reached("kosmos_agent.model.kosmos2"), "the search itself is broken"


@pytest.mark.parametrize("pure", PURE)
def test_pure_modules_never_reach_torch_or_the_engine(pure):
    heavy = ("torch", "transformers", "cv2", "mujoco", "kosmos_agent.model", "kosmos_agent.inference")
    mine = [name for name in modules() if within(name, f"kosmos_agent.{pure}")]
    assert mine
    assert not [(name, item) for name in mine for item in reached(name) for bad in heavy if within(item, bad)]


def test_imports_point_one_way():
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        for package, banned in FORBIDDEN.items()
        if within(name, package)
        for item in imports(name)
        if any(within(item, bad) for bad in banned)
    ]
    assert not wrong


def test_only_the_command_line_knows_the_simulation_and_the_tools():
    faces = ("kosmos_sim", "langchain_kosmos", "kosmos_mcp", "kosmos_ros")
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if within(name, "kosmos_agent") and not within(name, "kosmos_agent.cli")
        for item in imports(name)
        if any(within(item, face) for face in faces)
    ]
    assert not wrong


def test_ros_stays_in_its_wing():
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if not within(name, "kosmos_ros") and not within(name, "kosmos_agent.cli")
        for item in imports(name)
        if any(within(item, package) for package in ROS)
    ]
    assert not wrong


def test_one_file_knows_the_mcp_library():
    """What moves to another version of it moves there."""
    assert [name for name in modules() if any(within(item, "mcp") for item in imports(name))] == ["kosmos_mcp.sdk"]


def test_one_file_each_knows_ray_serve_and_the_http_framework():
    """A program without the extra `serve` has the rest."""
    users = {
        package: {name for name in modules() for item in imports(name) if within(item, package)}
        for package in ("ray.serve", "fastapi")
    }
    assert users == {"ray.serve": {"kosmos_agent.serving.ray_engine"}, "fastapi": {"kosmos_agent.serving.app"}}


@pytest.mark.parametrize("free", ROS_FREE)
def test_some_of_the_wing_needs_no_ros(free):
    reaches = reached(f"kosmos_ros.{free}")
    assert f"kosmos_ros.{free}" in modules()
    assert not [(item, package) for item in reaches for package in ROS if within(item, package)]
    assert "torch" not in reaches


def test_nothing_at_run_time_imports_training_or_evaluation():
    side = tuple(f"kosmos_agent.{name}" for name in SIDE)
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        if within(name, "kosmos_agent") and not any(within(name, package) for package in side)
        for item in imports(name)
        if any(within(item, package) for package in side) and name != "kosmos_agent.__main__"
    ]
    assert not wrong


def test_no_module_imports_itself_round_a_corner():
    graph = {name: {as_module(item) for item in imports(name, late=False)} & set(modules()) for name in modules()}
    done, cycles = set(), []

    def visit(name, trail):
        if name in trail:
            cycles.append(" -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for item in sorted(graph[name]):
                visit(item, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert not cycles


def test_imports_stand_at_the_top():
    wrong = []
    for name, (_, tree) in modules().items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        inner = [node for function in functions for node in ast.walk(function)]
        late = [node for node in inner if isinstance(node, ast.Import | ast.ImportFrom)]
        if late and not within(name, MAY_IMPORT_LATE):
            wrong.append(f"{name}:{late[0].lineno}")
    assert not wrong


def test_files_and_functions_stay_short():
    wrong = []
    for name, (path, tree) in modules().items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            wrong.append(f"{name} has {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    wrong.append(f"{name}.{node.name} has {length} lines")
    assert not wrong


def test_nothing_is_unpickled_or_evaluated():
    wrong = [
        f"{name} imports {item}"
        for name in modules()
        for item in imports(name)
        if any(within(item, bad) for bad in UNSAFE_MODULES)
    ]
    for name, (_, tree) in modules().items():
        wrong += [f"{name}:{node.lineno}" for node in calls(tree) if ast.unparse(node.func) in UNSAFE_CALLS]
        wrong += [
            f"{name}:{node.lineno}"
            for node in calls(tree)
            for word in node.keywords
            if word.arg in ("allow_pickle", "shell", "trust_remote_code") and ast.unparse(word.value) != "False"
        ]
    assert not wrong


def test_no_work_is_left_marked_for_later():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert not [name for name, (path, _) in modules().items() if marks.search(path.read_text(encoding="utf-8"))]


def tracked_texts():
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data[:8192]:
            yield name, data.decode("utf-8", errors="replace")


def test_no_tracked_file_names_a_machine_or_a_registry():
    # In pieces, so that this file does not name them.
    places = [r"/wo" r"rk/", r"/ro" r"ot/", r"/ho" r"me/\w", r"/opt/" r"(wheels|pypi)"]
    hosts = [r"py" r"pi\.org", r"python" r"hosted", r"download\.py" r"torch"]
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(places)})|{'|'.join(hosts)}")
    assert not [f"{name}: {match.group()}" for name, text in tracked_texts() for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    "module", ["kosmos_agent.results", "kosmos_agent.cli.app", "kosmos_agent.drawing", "kosmos_ros.settings_table"]
)
def test_light_modules_load_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
