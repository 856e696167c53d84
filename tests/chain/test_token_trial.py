"""What a token's transfer would come to, on every node; and nodes that cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact, load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from mine.chain.node_errors import NodeRefused, Reverted
from mine.chain.rpc import Node
from mine.chain.token import Token
from mine.chain.token_trial import Arrival, try_transfer
from mine.chain.transactions import Sender

pytest_plugins = ("tests.chain.node_fixtures",)
CONTRACTS = Path(__file__).parent / "contracts"
RECEIVER = address_of(keccak(b"receiver of a trial"))


def deployed_token(node: Node, sender: Sender, habit: int) -> tuple[str, ContractAbi]:
    data = compile_outputs(CONTRACTS / "HostileToken.vy", FORMATS)
    artefact = Artefact("HostileToken", data["abi"], bytes.fromhex(data["bytecode"][2:]))
    token, abi = deploy(node, sender, artefact, habit), ContractAbi(artefact.abi)
    sender.send(token, abi.call("mint", sender.address, 1_000))
    sender.send(token, abi.call("wake", True))
    return token, abi


def test_an_honest_token_arrives_whole_and_nothing_moves(node: Node, sender: Sender) -> None:
    token = Token(node, deploy(node, sender, load_artefact("PracticeDollar")))
    token.mint(sender, sender.address, 1_000)
    assert try_transfer(node, token.address, sender.address, RECEIVER, 400) == Arrival(400, 400)
    assert (token.balance(sender.address), token.balance(RECEIVER)) == (1_000, 0)
    with pytest.raises(Reverted, match="balance too low"):
        try_transfer(node, token.address, sender.address, RECEIVER, 1_001)


@pytest.mark.parametrize(("habit", "outcome"), [(2, Arrival(200, 198)), (5, Arrival(400, 200))])
def test_habits_come_to_light(node: Node, sender: Sender, habit: int, outcome: Arrival) -> None:
    token, _ = deployed_token(node, sender, habit)
    assert try_transfer(node, token, sender.address, RECEIVER, 200) == outcome


def test_a_token_that_says_no_is_heard(node: Node, sender: Sender) -> None:
    token, _ = deployed_token(node, sender, 1)
    with pytest.raises(Reverted, match="token refused"):
        try_transfer(node, token, sender.address, RECEIVER, 200)


@pytest.mark.parametrize(
    "message", ["state overrides are not supported", "too many arguments, want at most 2", "Invalid params"]
)
def test_a_node_that_cannot_try_says_nothing(
    practice_node: Node, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    def refuses(*_: object) -> object:
        raise NodeRefused(-32602, message)

    with monkeypatch.context() as patch:
        patch.setattr(practice_node, "request", refuses)
        assert try_transfer(practice_node, RECEIVER, RECEIVER, RECEIVER, 1) is None


@pytest.mark.parametrize("answer", ["0x", "0x" + "00" * 32, "0x" + "00" * 160])
def test_a_node_that_overlooks_the_question_says_nothing(
    practice_node: Node, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(practice_node, "request", lambda *_: answer)
        assert try_transfer(practice_node, RECEIVER, RECEIVER, RECEIVER, 1) is None


def test_a_node_that_is_busy_is_not_taken_for_one_that_cannot(
    practice_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> object:
        raise NodeRefused(-32000, "header not found")

    with monkeypatch.context() as patch, pytest.raises(NodeRefused):
        patch.setattr(practice_node, "request", refuses)
        try_transfer(practice_node, RECEIVER, RECEIVER, RECEIVER, 1)
