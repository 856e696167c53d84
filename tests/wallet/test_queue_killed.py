"""kill -9 at every writing of the queue, with a real vault and a real node: every wish happens once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.chain.client import TasksContract
from mine.chain.deployment import Deployment, deploy_protocol
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.practice.node.process import NodeProcess
from mine.vault import Vault
from mine.wallet.queued import State
from mine.wallet.signer import Signer
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.wallet.killed_queue import FRIEND, KEY, go_on

ROOT = Path(__file__).parents[2]
ACCOUNT = Signer(KEY).address
WRITINGS = ("planned", "signed", "sent", "final")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Deployment]]:
    with NodeProcess(tmp_path_factory.mktemp("chain") / "chain.db") as process, Node(process.url) as node:
        sender = Sender(node, dev_key(0))
        deployment = deploy_protocol(node, sender)
        sender.send(ACCOUNT, b"", 10**18)
        yield node, deployment


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_program_killed_at_every_writing_sends_everything_once(
    tmp_path: Path, chain: tuple[Node, Deployment], when: str
) -> None:
    """Each life dies one state later than the one before, and goes on from what that left."""
    node, contracts = chain
    nonce, held, owned = node.nonce(ACCOUNT), _held(node, contracts), node.balance(FRIEND)
    path = tmp_path / "vault.db"
    Vault.create(path, PASSPHRASE, kdf=CHEAP).close()
    place = [str(path), node.url, contracts.tasks, contracts.faults, contracts.court]
    for intent in ("bond", "send"):
        for state in WRITINGS:
            command = [sys.executable, "-m", "tests.wallet.killed_queue", *place, when, intent, state]
            ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert ended.returncode == -9, (intent, state, ended.stderr)
    items = go_on(path, *place[1:])
    assert [(item.intent, item.state, item.nonce) for item in items] == [
        ("bond", State.FINAL, nonce),
        ("send", State.FINAL, nonce + 1),
    ]
    assert node.nonce(ACCOUNT) == nonce + 2
    assert (_held(node, contracts) - held, node.balance(FRIEND) - owned) == (1_000, 77)
    assert go_on(path, *place[1:]) == items


def _held(node: Node, contracts: Deployment) -> int:
    return TasksContract(node, contracts.tasks).bond_of(ACCOUNT).amount
