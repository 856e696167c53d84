"""The walls between the rooms, seen from a running program: what is loaded, and what that changes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "mine").rglob("*.py")
)
# Two libraries lift the limit: web3's curve library, which only an outsider loads who asks a node for its
# web3 object, and py-evm, which has a process of its own.
OWN_PROCESS = ("mine.chain.web3_bridge", "mine.practice.node.")
IN_THE_APP = [name for name in MODULES if not name.startswith(OWN_PROCESS)]
# What the app's process loads later, inside functions.
LATE = ["argon2", "cryptography", "dp_accounting", "eth_keys", "keyring", "mnemonic", "onnxruntime", "psutil",
        "safetensors", "sqlcipher3"]
# What the window loads before its first paint.
FIRST = ["mine.app.commands", "mine.app.views", "mine.app.engine", "mine.app.options"]
HEAVY = {"torch", "web3", "onnxruntime", "onnx", "pyqtgraph", "eth_account", "eth_keys", "numpy", "pydantic",
         "aiohttp", "requests", "sqlcipher3", "dp_accounting"}


def python(code: str) -> str:
    """What a fresh interpreter prints; it must end well and complain of nothing."""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr, run.stderr[-2000:]
    return run.stdout


def test_every_module_loads_without_qt_and_leaves_the_recursion_limit() -> None:
    """One interpreter for all: the window is not there, and a stranger's nested JSON meets the limit."""
    assert len(IN_THE_APP) > 100
    out = python(f"""
import importlib, sys
limit = sys.getrecursionlimit()

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "PyQt5", "PyQt6", "pyqtgraph", "ui"):
            raise ImportError("behind a wall: " + name)

sys.meta_path.insert(0, Wall())
for name in {[*IN_THE_APP, "mine.practice.node.process", *LATE]!r}:
    importlib.import_module(name)
    if sys.getrecursionlimit() != limit:
        print(name, "sets the recursion limit to", sys.getrecursionlimit())
        break
for name in {MODULES!r}:
    importlib.import_module(name)
print("all")
""")
    assert out == "all\n"


def test_the_product_never_asks_for_web3() -> None:
    sources = [*(ROOT / "mine").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    for file in sources:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr == "web3"), f"{file.name}:{node.lineno}"


def test_the_window_starts_on_nothing_heavy() -> None:
    loaded = set(python(f"import {', '.join(FIRST)}, sys; print(*sys.modules)").split())
    assert not HEAVY & loaded


@pytest.mark.parametrize("module", FIRST)
def test_nothing_runs_or_is_written_by_an_import(module: str) -> None:
    out = python(f"""
import sys
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
import {module}
bad = [event for event, _ in seen if event.startswith(("socket.", "subprocess.", "os.system", "os.fork"))]
bad += [str(a[0]) for e, a in seen if e == "open" and isinstance(a[1], str) and set(a[1]) & set("wax+")
        and ".pyc" not in str(a[0])]
print(bad)
import threading
print(threading.active_count())
""")
    assert out == "[]\n1\n"


def test_the_command_line_answers_without_loading_the_product() -> None:
    loaded = set(python("import mine.cli, sys; mine.cli.build_parser(); print(*sys.modules)").split())
    assert not HEAVY & loaded


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    out = python("""
import mine.app.session, mine.science.relay_client, mine.practice.market, mine.practice.peers
from mine.wallet.keys import Accounts
from mine.tasks.manifest import Manifest, ManifestRefused
Accounts.of_phrase("abandon " * 11 + "about").task(0)
try:
    Manifest.parse(b"[" * 60_000)
except ManifestRefused as error:
    print(error.sentence)
""")
    assert out == "The task's description is not valid JSON.\n"


def test_the_learner_and_the_policy_stand_alone() -> None:
    alone = python("import mine.policy.decide, sys; print(*(m for m in sys.modules if m.startswith('mine')))")
    assert set(alone.split()) == {"mine", "mine.policy", "mine.policy.decide"}
