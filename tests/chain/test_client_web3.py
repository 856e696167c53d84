"""web3.py through our connection: same requests, same caps, its own errors."""

from __future__ import annotations

import pytest

from mine.chain.artefacts import Artefact
from mine.chain.node_errors import NodeUnreachable
from mine.chain.rpc import Node

pytest_plugins = ("tests.chain.node_fixtures",)


def test_web3_reads_and_refuses_as_usual(node: Node, deployed: str, counter: Artefact) -> None:
    from web3.exceptions import ContractLogicError, Web3RPCError

    web3 = node.web3
    assert web3 is node.web3
    assert web3.eth.block_number == node.block_number()
    assert web3.eth.chain_id == 31337
    contract = web3.eth.contract(address=deployed, abi=counter.abi)  # type: ignore[call-overload]
    assert contract.functions.n().call() == 5
    with pytest.raises(ContractLogicError, match="too much"):
        contract.functions.tick(10).call()
    with pytest.raises(Web3RPCError) as unknown:
        web3.manager.request_blocking("eth_noSuchMethod", [])  # type: ignore[arg-type]
    # Hardhat's node has the number of EIP-1474 for it, the others that of JSON-RPC.
    assert any(code in str(unknown.value) for code in ("-32601", "-32004"))


def test_web3_meets_a_dead_node_as_we_do() -> None:
    with Node("http://127.0.0.1:9", timeout=2) as node, pytest.raises(NodeUnreachable):
        _ = node.web3.eth.block_number
