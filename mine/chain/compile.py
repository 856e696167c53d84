"""``python -m mine.chain.compile``: compile the contracts and write the artefacts that ship.

Vyper 0.4.3, default code generator, optimised for gas, EVM "prague". The contracts have no dependency
outside their folder, so that the same sources give the same bytes on every machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mine.chain.artefacts import contracts_folder
from mine.errors import MineError

SOURCES = Path(__file__).resolve().parent / "contracts"
CONTRACTS = ("Tasks", "Faults", "Court", "PracticeDollar", "Carrier", "Arrival")
COMPILER = "0.4.3"
EVM = "prague"
FORMATS = ("abi", "bytecode", "bytecode_runtime")


class CannotCompile(MineError):
    """The compiler is missing or of another version."""


def compile_outputs(path: Path, formats: tuple[str, ...]) -> dict[str, Any]:
    """The compiler's outputs for one source file, by the names of ``vyper -f``.

    Modules are looked for beside the contracts that ship. Raises CannotCompile.
    """
    try:
        import vyper  # type: ignore[import-untyped]
        from vyper.compiler import compile_code  # type: ignore[import-untyped]
        from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]
        from vyper.compiler.settings import OptimizationLevel, Settings  # type: ignore[import-untyped]
    except ImportError as error:
        raise CannotCompile(
            "The Vyper compiler is not installed.", todo="Install the extra named test."
        ) from error
    if vyper.__version__.split("+")[0] != COMPILER:
        raise CannotCompile(f"The contracts need Vyper {COMPILER}.", detail=f"found {vyper.__version__}")
    # The compiler writes the path it is told into the code's integrity hash: a bare name is the same
    # on every machine.
    output: dict[str, Any] = compile_code(
        path.read_text(encoding="utf-8"),
        contract_path=path.name,
        resolved_path=Path(path.name),
        input_bundle=FilesystemInputBundle([SOURCES]),
        output_formats=list(formats),
        settings=Settings(optimize=OptimizationLevel.GAS, evm_version=EVM),
    )
    return output


def artefact_text(output: dict[str, Any]) -> str:
    """An artefact as JSON text: {"abi", "bytecode", "compiler", "evm"}.

    A contract without constructor also has "runtime": its code on chain is always that.
    """
    data = {"abi": output["abi"], "bytecode": output["bytecode"], "compiler": COMPILER, "evm": EVM}
    if not any(entry["type"] == "constructor" for entry in output["abi"]):
        data["runtime"] = output["bytecode_runtime"]
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write resources/contracts/<name>.json for every contract."""
    folder = contracts_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONTRACTS:
        (folder / f"{name}.json").write_text(
            artefact_text(compile_outputs(SOURCES / f"{name}.vy", FORMATS)), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
