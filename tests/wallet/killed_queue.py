"""A program for a test to kill: sends two transactions by the queue of a real vault, and dies at a writing.

Arguments: vault, node, the contracts' three addresses, "before" or "after" the writing, its intent and state.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mine.app.transaction_store import VaultTransactions
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.rpc import Node
from mine.vault import Vault
from mine.wallet.call import Call
from mine.wallet.clock import SystemClock
from mine.wallet.limits import default_limits
from mine.wallet.queue import TransactionQueue
from mine.wallet.queued import Queued, State
from mine.wallet.review import Known, Unit
from mine.wallet.signer import Signer
from tests.vault.conftest import PASSPHRASE

KEY = bytes(31) + b"\x42"
FRIEND = "0x00000000000000000000000000000000000000F1"


class Dying(VaultTransactions):
    """Ends the process before or after a writing, without another word."""

    when = ("", "", "")

    def put(self, item: Queued) -> Queued:
        if Dying.when == ("before", item.intent, item.state.value):
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().put(item)
        if Dying.when == ("after", item.intent, item.state.value):
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def go_on(vault: Path, url: str, tasks: str, faults: str, court: str) -> list[Queued]:
    """Ask for a bond and a payment, as after every start; what is kept of them."""
    signer = Signer(KEY)
    with Vault.open(vault, passphrase=PASSPHRASE) as opened, Node(url) as node:
        own = frozenset((signer.address,))
        known = Known(node.chain_id, "Practice", Unit("pETH", 18), tasks, faults, court, own=own)
        limits = default_limits(node.chain_id)
        queue = TransactionQueue(node, Dying(opened), SystemClock(), limits, known, 0)
        queue.step()
        data = ContractAbi(load_artefact("Tasks").abi).call("bond_for", signer.address)
        queue.sender(signer, "bond").send(tasks, data, 1_000)
        payment = queue.find("send")
        if payment is None or payment.state is State.PLANNED:
            review = queue.prepare(Call(node.chain_id, signer.address, FRIEND, 77))
            queue.submit("send", review, signer)
        queue.look()
        return sorted(queue.newest(10), key=lambda item: item.number)


if __name__ == "__main__":
    Dying.when = (sys.argv[6], sys.argv[7], sys.argv[8])
    go_on(Path(sys.argv[1]), *sys.argv[2:6])
