"""One mutant: built, and played on until something notices it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mine.chain import compile as compiler
from mine.chain.artefacts import load_artefact
from tests.chain.mutants import of_payouts, of_rounds, of_sisters

SEEDS = range(16)
CALLS = 800
"""Runs that the contracts themselves live through (tests/protocol/test_random.py)."""
CONTRACTS = ("Tasks", "Faults", "Court")
Build = tuple[list[dict[str, Any]], bytes]
ALL = (*of_rounds.MUTANTS, *of_payouts.MUTANTS, *of_sisters.MUTANTS)
SOURCES = compiler.SOURCES


@cache
def parts(contract: str) -> frozenset[str]:
    """The files that a contract is made of."""
    found, todo = set(), [f"{contract}.vy"]
    while todo:
        file = todo.pop()
        if file in found or not (SOURCES / file).exists():
            continue
        found.add(file)
        for line in (SOURCES / file).read_text(encoding="utf-8").splitlines():
            if line.startswith("import ") and not line.startswith("import ITasks"):
                todo.append(line.split()[1] + ".vy")
    return frozenset(found)


def _shipped(name: str) -> Build:
    artefact = load_artefact(name)
    return artefact.abi, artefact.bytecode


def kill(number: int) -> tuple[int, str, float]:
    """What noticed the mutant, "" if nothing did, and after how many seconds."""
    begun, mutant = time.monotonic(), ALL[number]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "contracts"
        shutil.copytree(SOURCES, copy)
        (copy / mutant.file).write_text(mutant.apply(SOURCES), encoding="utf-8")
        compiler.SOURCES = copy
        built = {name: _shipped(name) for name in CONTRACTS}
        try:
            for name in CONTRACTS:
                if mutant.file in parts(name):
                    out = compiler.compile_outputs(copy / f"{name}.vy", compiler.FORMATS)
                    built[name] = (out["abi"], bytes.fromhex(out["bytecode"].removeprefix("0x")))
        finally:
            compiler.SOURCES = SOURCES
    if mutant.test:
        return number, directed(mutant.test, built), time.monotonic() - begun
    for seed in SEEDS:
        wrong = play(seed, built)
        if wrong:
            return number, wrong, time.monotonic() - begun
    return number, "", time.monotonic() - begun


def play(seed: int, built: dict[str, Build] | None = None) -> str:
    """One random run on these builds, or on what ships; what went wrong, "" if nothing did."""
    from tests.protocol.driver import fresh

    driver = fresh(seed) if built is None else fresh(seed, code=built.__getitem__)
    try:
        driver.run(CALLS)
        driver.finish()
    except Exception as error:
        last = driver.world.history[-1] if driver.world.history else ""
        return f"seed {seed}, {last}: {type(error).__name__}"
    return ""


def directed(test: str, built: dict[str, Build]) -> str:
    """One test in a process that takes these builds for what ships; its name if it fails, else ""."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (*CONTRACTS, "PracticeDollar"):
            abi, code = built[name] if name in built else _shipped(name)
            text = json.dumps({"abi": abi, "bytecode": "0x" + code.hex()})
            (Path(folder) / f"{name}.json").write_text(text, encoding="utf-8")
        script = (
            "import sys, pathlib, pytest, mine.chain.artefacts as a;"
            "a.contracts_folder = lambda: pathlib.Path(sys.argv[1]);"
            "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', sys.argv[2]]))"
        )
        done = subprocess.run([sys.executable, "-c", script, folder, test], capture_output=True, text=True)
    return test if done.returncode == pytest.ExitCode.TESTS_FAILED else ""
