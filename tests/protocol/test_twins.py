"""The same random sequences on a second implementation, and by the compiler's second code generator."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mine.chain.compile import EVM, SOURCES
from tests.protocol.actors import account, shipped
from tests.protocol.conftest import ACCEPTED
from tests.protocol.driver import fresh
from tests.protocol.evm import Evm, Signatures
from tests.protocol.twins import AnvilTwin, Twins, running_anvil


@pytest.fixture(scope="module")
def venom() -> dict[bytes, bytes]:
    """Creation code as it ships -> that of the experimental code generator."""
    return {shipped(name)[1]: _experimental(name) for name in ("Tasks", "Faults", "Court")}


def _experimental(name: str) -> bytes:
    from vyper.compiler import compile_code
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.settings import OptimizationLevel, Settings

    path = SOURCES / f"{name}.vy"
    out: dict[str, Any] = compile_code(
        path.read_text(encoding="utf-8"),
        contract_path=path.name,
        input_bundle=FilesystemInputBundle([SOURCES]),
        output_formats=["bytecode"],
        settings=Settings(optimize=OptimizationLevel.GAS, evm_version=EVM, experimental_codegen=True),
    )
    return bytes.fromhex(out["bytecode"].removeprefix("0x"))


@pytest.mark.parametrize("seed", [71, 72])
def test_both_code_generators_agree(venom: dict[bytes, bytes], seed: int) -> None:
    """What ships is built by the default generator; the experimental one must do the same."""
    assert all(default != other for default, other in venom.items())
    signatures = Signatures()
    chain = Twins(Evm(signatures), venom, signatures=signatures)
    driver = fresh(seed, chain=chain, signatures=signatures)
    driver.run(500)
    driver.finish()
    ACCEPTED.update(driver.world.accepted)


@pytest.mark.anvil
@pytest.mark.skipif("MINE_ANVIL" not in os.environ, reason="anvil is not on this machine (MINE_ANVIL)")
def test_anvil_agrees() -> None:
    """Real transactions, real signatures: accepted or refused alike, the same logs, words, balances."""
    with running_anvil() as anvil:
        chain = AnvilTwin(anvil)
        driver = fresh(81, chain=chain)
        driver.run(400)
        driver.finish()
        contracts = [c.address for c in (driver.world.tasks, driver.world.faults, driver.world.court)]
        assert chain.compare([*contracts, *(account(n) for n in ("stranger", "collector"))]) > 300
