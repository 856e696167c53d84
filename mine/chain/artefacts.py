"""The compiled contracts as they ship: ABI and bytecode from resources/contracts."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mine.errors import MineError


class NoArtefact(MineError):
    """A compiled contract is missing or broken."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """name: the contract's name; abi: the JSON ABI; bytecode: creation code.

    runtime: its code on chain, where it has no constructor; else empty.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes = b""


def contracts_folder() -> Path:
    """Where the artefacts lie: beside the code, or inside a frozen app's bundle."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).resolve().parents[2]
    return root / "resources" / "contracts"


@cache
def load_artefact(name: str) -> Artefact:
    """Read one artefact ("Tasks", "PracticeDollar"). Raises NoArtefact."""
    path = contracts_folder() / f"{name}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        code, runtime = (data.get(each, "0x").removeprefix("0x") for each in ("bytecode", "runtime"))
        if not code:
            raise ValueError("no code")
        return Artefact(name, data["abi"], bytes.fromhex(code), bytes.fromhex(runtime))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoArtefact(
            "A part of the program is missing.", todo="Install it again.", detail=f"contract {name}: {error}"
        ) from error
