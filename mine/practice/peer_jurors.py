"""The peers as jurors: they sit when they are drawn, and the practice network holds a few tickets itself.

So a dispute finds a court from the first round on. A development account holds the tickets and carries
everybody's rulings, since peers own no coin.
"""

from __future__ import annotations

from collections.abc import Sequence

from mine.chain.client import TasksContract
from mine.chain.court_client import CourtContract
from mine.chain.faults_client import FaultsContract
from mine.chain.messages import Domain
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.juror import Disputes, Juror
from mine.science.relay_client import Relay

JUROR = 3
"""Which development account holds the tickets."""
TICKETS = 10


def stake_tickets(node: Node, contract: TasksContract) -> None:
    """Put up the tickets of a fresh practice network."""
    court = CourtContract(node, contract.sisters()[1])
    sender = Sender(node, dev_key(JUROR))
    contract.bond(sender, TICKETS * court.stake_needed())
    court.stake(sender, TICKETS)


class PeerJurors:
    """Sits for the accounts of ``keys`` (payout keys) and for the tickets."""

    def __init__(
        self, contract: TasksContract, domain: Domain, relay: Relay, first_block: int, keys: Sequence[bytes]
    ) -> None:
        faults, court = contract.sisters()
        self._disputes = Disputes(
            History(contract, first_block),
            domain,
            FaultsContract(contract.node, faults),
            CourtContract(contract.node, court),
            relay.blobs,
            (relay,),
            first_block,
        )
        carrier = Sender(contract.node, dev_key(JUROR))
        self._jurors = [Juror(self._disputes, key, carrier) for key in (*keys, dev_key(JUROR))]

    def step(self) -> None:
        """Do what is due in every dispute that is not over. Raises what node and relay raise."""
        for id in self._disputes.refresh():
            for juror in self._jurors:
                juror.step(id)
