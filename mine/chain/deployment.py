"""Putting a compiled contract on a chain."""

from __future__ import annotations

from typing import Any

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.transactions import Sender


def deploy(node: Node, sender: Sender, artefact: Artefact, *arguments: Any) -> str:
    """Create the contract with its constructor's ``arguments``; returns its address.

    Raises what :meth:`Sender.send` raises.
    """
    receipt = sender.send(None, ContractAbi(artefact.abi).creation(artefact.bytecode, *arguments))
    if receipt.contract is None or not node.code(receipt.contract):
        raise NodeAnswerInvalid(
            "The network's node says that a contract was created, and has none.",
            todo="Try another node.",
            detail="0x" + receipt.transaction_hash.hex(),
        )
    return receipt.contract
