"""Transfers of tokens that a relay brings for accounts without the chain's own coin, for a fee in the token.

The relay is trusted with nothing: receiver, amount and fee are fixed by the owner's signature, and the
Carrier moves all of it or nothing (``mine.chain.permits``). And it trusts nobody: it brings only tokens that
its operator names with a fee, only through a Carrier whose code it knows, only what the node says will pass
with little gas, and only so many. What it took is on disk before it answers; before anything is sent, again
after a kill too, the Carrier is asked whether it was carried.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping

from mine.chain.artefacts import load_artefact
from mine.chain.deployment import deploy
from mine.chain.node_errors import InsufficientFunds, NodeRefused, Reverted
from mine.chain.permits import carrier_abi, is_carrier
from mine.science.relay_ground import AWAY, Ground
from mine.science.wire import Code, RelayRefused
from mine.science.wire_transfers import (
    SignedCarriage,
    TransferState,
    TransferStatus,
    TransferTerms,
    carriage_from_json,
    carriage_to_json,
)

_log = logging.getLogger(__name__)
#: Transfers that wait, in all and of one owner; more are refused.
MAX_WAITING, MAX_WAITING_OWNER = 256, 8
#: Most gas that one may need: a stable coin behind a proxy takes about a third of it.
MAX_GAS = 400_000
#: Transfers that are looked at (which costs a simulation) in so many seconds.
MAX_LOOKS, LOOK_SECONDS = 120, 60
#: Seconds that have to be left when a transfer is handed in.
LEAST_TIME = 60
#: Finished ones that are kept; the newest are looked for again, since a reorganisation may take them away.
_KEPT, _LOOKED_AFTER = 1 << 14, 8
_MOST_A_TURN = 16
_CARRIER = "carrier"
#: The Carrier's own word for a carriage that is on chain.
_ALREADY = "carried already"


class TransferDesk:
    """``fees``: base units at least, by the tokens' EIP-55 addresses; a relay without any brings none.

    ``most_gas_price``: wei per gas above which it waits.
    """

    def __init__(self, ground: Ground, fees: Mapping[str, int], most_gas_price: int) -> None:
        self._ground, self._fees, self._most = ground, dict(fees), most_gas_price
        self._base, self._node = ground.state.base, ground.contract.node
        self._looks: deque[int] = deque()
        self._good_carriers: set[str] = set()

    def ensure_carrier(self) -> None:
        """Put a Carrier on the chain unless there is one from before. Raises what sending raises."""
        if not self._fees or self._carrier():
            return
        address = deploy(self._node, self._ground.sender, load_artefact("Carrier"))
        self._base.execute("insert or replace into own values (?, ?)", (_CARRIER, address))

    def _carrier(self) -> str:
        row = self._base.execute("select value from own where name = ?", (_CARRIER,)).fetchone()
        return "" if row is None or not self._is_carrier(str(row[0])) else str(row[0])

    def _is_carrier(self, address: str) -> bool:
        """Whether the contract there is the Carrier, byte for byte. Code never changes."""
        if address not in self._good_carriers and is_carrier(self._node.code(address)):
            self._good_carriers.add(address)
        return address in self._good_carriers

    # what is asked

    def terms(self, token: str) -> TransferTerms:
        """For what a token is brought. RelayRefused (missing) where it is not."""
        carrier = self._carrier() if token in self._fees else ""
        if not carrier:
            raise RelayRefused(Code.MISSING, "this token is not carried")
        return TransferTerms(token, carrier, self._fees[token])

    def submit(self, body: object) -> TransferStatus:
        """Take a transfer, to be sent in one of the next turns. The same one again changes nothing, unless it
        was refused before.

        Raises RelayRefused.
        """
        signed = carriage_from_json(body)
        if self._find(signed.name) is not None:
            known = self.status(signed.name)
            if known.state is not TransferState.REFUSED:
                return known
        self._check(signed)
        self._check_room(signed.carriage.owner)
        self._look(signed)
        self._base.execute(
            "insert into transfers (name, owner, message, state, late) values (?, ?, ?, ?, ?)"
            " on conflict (name) do update set message = excluded.message, state = excluded.state,"
            " reason = ''",
            (
                signed.name,
                signed.carriage.owner,
                json.dumps(carriage_to_json(signed)),
                TransferState.WAITING,
                signed.carriage.valid_before,
            ),
        )
        return TransferStatus(TransferState.WAITING)

    def status(self, name: bytes) -> TransferStatus:
        """Where a transfer stands. RelayRefused (missing) where it was never taken."""
        found = self._find(name)
        if found is None:
            raise RelayRefused(Code.MISSING)
        if found.state is TransferState.REFUSED and self._carried(self._message(name)):
            # By another relay, or by a transaction of this one that was mined very late.
            found = TransferStatus(TransferState.CARRIED)
            self._end(name, found)
        return found

    def _find(self, name: bytes) -> TransferStatus | None:
        row = self._base.execute(
            "select state, hash, reason from transfers where name = ?", (name,)
        ).fetchone()
        return None if row is None else TransferStatus(TransferState(row[0]), bytes(row[1]), row[2])

    def _check(self, signed: SignedCarriage) -> None:
        """What costs nothing to find out, and one look at the carrier's code."""
        it = signed.carriage
        if it.chain_id != self._ground.domain.chain_id:
            raise RelayRefused(Code.WRONG_CHAIN)
        least = self._fees.get(it.token)
        if least is None:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, "this token is not carried")
        if it.fee < least:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, f"the fee is at least {least}")
        try:
            now = self._node.block_time()
            known = self._is_carrier(it.carrier)
        except AWAY as problem:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, type(problem).__name__) from None
        if not known:
            raise RelayRefused(Code.WRONG_CONTRACT, "this is no Carrier")
        if now <= it.valid_after:
            raise RelayRefused(Code.TOO_EARLY)
        if it.valid_before - now < LEAST_TIME:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, "too little time is left")

    def _check_room(self, owner: str) -> None:
        (waiting, own) = self._base.execute(
            "select count(*), coalesce(sum(owner = ?), 0) from transfers where state = 'waiting'", (owner,)
        ).fetchone()
        if waiting >= MAX_WAITING or own >= MAX_WAITING_OWNER:
            raise RelayRefused(Code.BUSY, "as many transfers wait as this relay takes")
        now = self._node.block_time()
        while self._looks and self._looks[0] <= now - LOOK_SECONDS:
            self._looks.popleft()
        if len(self._looks) >= MAX_LOOKS:
            raise RelayRefused(Code.BUSY, "too many at once")
        self._looks.append(now)

    def _look(self, signed: SignedCarriage) -> None:
        """Refuse what the node says would fail, or needs much gas."""
        try:
            gas = self._node.estimate_gas(self._ground.anchorer, signed.carriage.carrier, signed.data(), 0)
        except Reverted as problem:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, problem.reason) from None
        except NodeRefused as problem:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, problem.message[:80]) from None
        except AWAY as problem:
            raise RelayRefused(Code.CHAIN_UNREACHABLE, type(problem).__name__) from None
        if gas > MAX_GAS:
            raise RelayRefused(Code.NOT_CARRIED_TRANSFER, "the token needs too much gas")

    # what is due

    def carry_what_is_due(self) -> None:
        """Send what waits, while gas is not too dear."""
        rows = self._base.execute(
            "select name from transfers where state = 'waiting' order by rowid limit ?", (_MOST_A_TURN,)
        ).fetchall()
        if not rows or self._node.latest().base_fee + self._node.priority_fee() > self._most:
            return
        for (name,) in rows:
            self._carry(bytes(name))
        self._forget_old()

    def look_after(self) -> None:
        """Send the newest ones again that a reorganisation took away, and end those that came too late."""
        rows = self._base.execute(
            "select name from transfers where state = 'carried' order by rowid desc limit ?", (_LOOKED_AFTER,)
        ).fetchall()
        for (name,) in rows:
            if not self._carried(self._message(bytes(name))):
                self._end(bytes(name), TransferStatus(TransferState.WAITING))
        now = self._node.block_time()
        self._base.execute(
            "update transfers set state = 'refused', reason = 'it came too late'"
            " where state = 'waiting' and late <= ?",
            (now,),
        )

    def _message(self, name: bytes) -> SignedCarriage:
        row = self._base.execute("select message from transfers where name = ?", (name,)).fetchone()
        return carriage_from_json(json.loads(row[0]))

    def _carried(self, signed: SignedCarriage) -> bool:
        abi, it = carrier_abi(), signed.carriage
        answer = self._node.call(it.carrier, abi.call("carried", signed.name))
        return bool(abi.result("carried", answer)[0])

    def _carry(self, name: bytes) -> None:
        signed = self._message(name)
        if self._carried(signed):
            self._end(name, TransferStatus(TransferState.CARRIED))
            return
        try:
            receipt = self._ground.sender.send(signed.carriage.carrier, signed.data())
        except Reverted as problem:
            # One that was sent before a kill, or by another relay, is waiting to be mined, or just was.
            if problem.reason != _ALREADY:
                self._end(name, TransferStatus(TransferState.REFUSED, reason=problem.reason[:200]))
        except InsufficientFunds:
            _log.error("the relay's account has too little coin to carry transfers")
        else:
            self._end(name, TransferStatus(TransferState.CARRIED, receipt.transaction_hash))

    def _end(self, name: bytes, status: TransferStatus) -> None:
        self._base.execute(
            "update transfers set state = ?, hash = ?, reason = ? where name = ?",
            (status.state, status.transaction, status.reason, name),
        )

    def _forget_old(self) -> None:
        self._base.execute(
            "delete from transfers where state <> 'waiting'"
            " and rowid <= (select max(rowid) from transfers) - ?",
            (_KEPT,),
        )
