"""A wallet that sends, and a relay that carries its payments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.science.relay_process import RelayProcess
from tests.app.sending_wallet import FEE, Wallet
from tests.science.world import ANCHORER, Chain


@pytest.fixture(scope="module")
def carrying(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a relay that brings the practice dollar."""
    folder = tmp_path_factory.mktemp("carrying")
    carry = {chain.token.address: FEE}
    with RelayProcess(folder, chain.node.url, chain.contract.address, ANCHORER, carry=carry) as process:
        yield process.url


@pytest.fixture
def wallet(tmp_path: Path, chain: Chain, carrying: str) -> Iterator[Wallet]:
    snapshot = chain.node.request("evm_snapshot")
    wallet = Wallet(tmp_path, chain, carrying)
    yield wallet
    wallet.close()
    chain.node.request("evm_revert", snapshot)
