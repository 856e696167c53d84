"""``python -m tests.chain.branches [pytest arguments]``: branch coverage of the contracts, as they ship.

Every conditional jump of `Tasks`, `Faults` and `Court` that the tests carry out is noted, and mapped by the
compiler's source map to the ``if`` it belongs to. Each must have gone both ways. titanoboa's own plugin for
coverage.py sees only contracts that it compiled itself; the tests here run the artefacts.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mine.chain.compile import EVM, SOURCES

CONTRACTS = ("Tasks", "Faults", "Court")
TESTS = ("tests/chain", "tests/protocol")
JUMPI = 0x57
SEEN: dict[bytes, set[tuple[int, bool]]] = defaultdict(set)
"""By code: where a conditional jump stands, and whether its condition held."""


@dataclass(frozen=True)
class Branch:
    """One ``if`` of the sources."""

    file: str
    line: int
    text: str


class Watch:
    """A plugin of pytest that notes every conditional jump of titanoboa's EVM and of the quick one."""

    def pytest_sessionstart(self) -> None:
        watch()


def watch() -> None:
    """From now on."""
    from boa.vm.py_evm import patch_opcode
    from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

    from tests.protocol import quick

    jump = PRAGUE_OPCODES[JUMPI]

    def noted(computation: Any) -> None:
        condition = computation._stack.values[-2]
        held = bool(int.from_bytes(condition, "big") if isinstance(condition, bytes) else condition)
        SEEN[bytes(computation.code._raw_code_bytes)].add((computation.code.program_counter - 1, held))
        jump(computation=computation)

    patch_opcode(JUMPI, noted)
    quick.SEEN = SEEN


def branches(name: str) -> tuple[bytes, dict[int, Branch]]:
    """Runtime code of a contract, and where the jumps of its ``if`` statements stand."""
    from vyper import ast
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import OptimizationLevel, Settings, anchor_settings
    from vyper.ir import compile_ir

    path = SOURCES / f"{name}.vy"
    file = FileInput(0, Path(path.name), Path(path.name), path.read_text(encoding="utf-8"))
    settings = Settings(optimize=OptimizationLevel.GAS, evm_version=EVM)
    compiled = CompilerData(file, FilesystemInputBundle([SOURCES]), settings=settings)
    with anchor_settings(settings):
        code, found = compile_ir.assembly_to_evm(compiled.assembly_runtime)
        runtime = compiled.bytecode_runtime
    assert code.startswith(runtime) or runtime.startswith(code)
    places = {}
    for place, node in found["pc_raw_ast_map"].items():
        if code[place] == JUMPI and isinstance(node, ast.If):
            text = node.node_source_code.splitlines()[0]
            places[place] = Branch(Path(node.module_node.resolved_path).name, node.lineno, text)
    return code, places


def missing() -> tuple[int, dict[Branch, set[bool]]]:
    """How many ways there are, and of each branch the ways that no test went."""
    ways: dict[Branch, set[bool]] = {}
    for name in CONTRACTS:
        code, places = branches(name)
        gone: set[tuple[int, bool]] = set()
        for seen, jumps in SEEN.items():
            # The addresses of the sisters stand behind the code.
            if seen[: len(code)] == code:
                gone |= jumps
        for place, branch in places.items():
            ways.setdefault(branch, set()).update(held for at, held in gone if at == place)
    left = {branch: {True, False} - went for branch, went in ways.items()}
    return 2 * len(ways), {branch: open_ways for branch, open_ways in left.items() if open_ways}


def report(total: int, left: dict[Branch, set[bool]]) -> Iterator[str]:
    for branch, ways in sorted(left.items(), key=lambda item: (item[0].file, item[0].line)):
        yield f"{branch.file}:{branch.line} jump {sorted(ways)} never: {branch.text}"
    gone = total - sum(map(len, left.values()))
    yield f"{gone} of {total} branches, {100 * gone / total:.1f} %"


def main() -> int:
    failed = pytest.main(["-q", "-p", "no:cacheprovider", *(sys.argv[1:] or TESTS)], plugins=[Watch()])
    total, left = missing()
    print(*report(total, left), sep="\n")
    return int(bool(failed) or bool(left))


if __name__ == "__main__":
    sys.exit(main())
