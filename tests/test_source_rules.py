"""The house rules over each file: how long things may be, and what stands nowhere."""

import ast
import re
import subprocess

import pytest
from source_tree import ROOT, calls, imports, modules, within

MAX_FILE_LINES, MAX_FUNCTION_LINES = 320, 60

UNSAFE_MODULES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle")
UNSAFE_CALLS = ("eval", "exec", "compile", "__import__", "torch.load", "torch.save", "os.system", "os.popen")

# `--help` must not wait for torch: commands import their heavy halves when they run.
MAY_IMPORT_LATE = "kosmos_agent.cli"


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
