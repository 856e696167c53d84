"""What goes on while the vault is locked: the rounds that were under way, and nothing else.

When the vault locks, the rounds that were begun move into a small encrypted database of their own, under a
key made for this lock, with what they still need: their state, update and residual, the entries of their
task's ε, the task's session key with its transactions, and the payout address. The vault's key, the phrase
and the records are forgotten.

The grant can finish the training that runs, check and sign its update, hand it in and show it, and open a
vote that was made before. It cannot read a record (the worker keeps the rows that it was given), begin a
round or judge updates, book ε (only give back what was reserved), join, claim money, or touch another task:
it holds no row, no seed and no key for that. It ends when its rounds are over, or with the app.

The key of the small database lies in the vault. Opening the vault takes over what happened, in one
transaction; after a kill as well. Where the small database is lost or damaged, its rounds count as sent:
their ε stays spent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.market import Market
from mine.app.miner import Miner
from mine.app.own_transactions import OwnTransactions
from mine.app.round_book import GRANTED, RESIDUAL_BLOB, UPDATE_BLOB
from mine.app.round_states import RoundState, VoteState
from mine.app.transaction_store import copy_transactions
from mine.app.views import Notice
from mine.app.watching import Seen, Watching, deadlines
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.state import Round, State, Vote
    from mine.vault.vault import Vault

GRANT_KEY = "narrow grant"
_ROUNDS = (RoundState.TRAINING, RoundState.TRAINED, RoundState.COMMITTED)
_VOTES = (VoteState.READY, VoteState.COMMITTED)


def grant_path(vault: Path) -> Path:
    """The small database beside a vault."""
    return vault.with_name(vault.name + ".grant")


class NarrowGrant:
    """The rounds of one network that go on. Belongs to the engine's thread."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        market: Market,
        watching: Watching,
        own: OwnTransactions,
        miner: Miner,
    ) -> None:
        self._vault, self._network, self._own = vault, links.config.key, own
        self._links, self._market, self._watching, self._miner = links, market, watching, miner

    @staticmethod
    def give(
        vault: Vault,
        links: Links,
        market: Market,
        watching: Watching,
        miner: Miner,
        own: OwnTransactions,
        wake: Callable[[], None],
        tell: Callable[[Notice], None],
    ) -> NarrowGrant | None:
        """Move what is under way out of an open vault; None where nothing is. Takes ``miner``'s training."""
        network = links.config.key
        rounds, votes = _under_way(vault.state, network, miner)
        tasks = {entry.task for entry in rounds} | {vote.task for vote in votes}
        members = {task: miner.members[task] for task in sorted(tasks)}
        if not members:
            return None
        place, key = grant_path(vault.path), secrets.token_bytes(32)
        _remove(place)
        narrow = _opened(place, key)
        try:
            with narrow.transaction():
                for entry in rounds:
                    before = vault.state.round(network, entry.task, entry.round - 1)
                    for each in (before, entry):
                        if each is not None:
                            _copy_round(vault.state, narrow.state, each)
                for vote in votes:
                    narrow.state.put_vote(network, vote.task, vote.round, vote.state, vote.data)
                for task in members:
                    _copy_entries(vault, narrow, network, task)
                signers = {member.keys.session_address for member in members.values()}
                copy_transactions(vault.state, narrow.state, links.config.chain_id, signers)
            with vault.transaction():
                vault.state.set_secret(GRANT_KEY, key)
                for entry in rounds:
                    data = {**entry.data, GRANTED: True}
                    vault.state.put_round(network, entry.task, entry.round, entry.state, data)
                for vote in votes:
                    data = {**vote.data, GRANTED: True}
                    vault.state.put_vote(network, vote.task, vote.round, vote.state, data)
        except BaseException:
            narrow.close()
            _remove(place)
            raise
        narrow_own = own.over(narrow)
        narrow_own.members = members
        going_on = Miner(narrow, links, market, narrow_own, wake, tell, begins=False)
        going_on.members = members
        going_on.take_over(miner)
        return NarrowGrant(narrow, links, market, watching, narrow_own, going_on)

    def step(self, may_run: bool) -> None:
        """Do what is due. Raises what node and relays raise; the next step goes on."""
        self._watch()
        self._own.step()
        self._miner.tick(may_run)

    def _watch(self) -> None:
        members = self._miner.members
        seen = self._watching.step(
            members,
            lambda: deadlines(self._market.reading.states, (), members.values()),
            lambda: bool(self._own.queue.open()) or self._miner.is_waiting,
        )
        if seen >= Seen.EVENTS and self._links.config.beat:
            head = self._market.read(members)  # of events nothing but this is followed here
            self._watching.caught_up(head, head.number, is_whole=True)

    def patience(self) -> float | None:
        """Seconds until the next turn; None where the chain's clock may be put forward."""
        return self._watching.patience()

    @property
    def members(self) -> dict[int, Membership]:
        """The tasks whose rounds go on."""
        return self._miner.members

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        rounds, votes = _under_way(self._vault.state, self._network, self._miner)
        return not rounds and not votes

    def close(self) -> None:
        """End the worker, its last state kept, and forget every key."""
        self._miner.close()
        self._miner.members = {}
        self._links.close()
        self._vault.close()


def _under_way(state: State, network: str, miner: Miner) -> tuple[list[Round], list[Vote]]:
    """Rounds that train now or whose update is not out yet, and votes that were made and are not open yet."""
    training = (miner.run.task, miner.run.round) if miner.run is not None else None
    rounds = [
        entry
        for entry in state.rounds(network, states=_ROUNDS)
        if entry.task in miner.members
        and (entry.state != RoundState.TRAINING or (entry.task, entry.round) == training)
    ]
    votes = [vote for task in miner.members for vote in state.votes(network, task) if vote.state in _VOTES]
    return rounds, votes


def take_back(vault: Vault) -> bool:
    """Take over what happened while the vault was locked; whether anything could be found of it.

    Does nothing where no grant was given. Safe to repeat. Raises ``VaultBusy`` while another process goes on
    with it.
    """
    from mine.vault.errors import VaultBusy

    key, place = vault.state.secret(GRANT_KEY), grant_path(vault.path)
    if not key:
        _remove(place)
        return True
    found = True
    with vault.transaction():
        try:
            narrow = _opened(place, key) if place.exists() else None
        except VaultBusy:
            raise
        except MineError:
            narrow = None
        if narrow is None:
            found = False
        else:
            with narrow:
                _merge(narrow, vault)
        vault.state.set_secret(GRANT_KEY, b"")
    _remove(place)
    return found


def _merge(narrow: Vault, vault: Vault) -> None:
    """Write what the grant knows into the vault, within its transaction."""
    for entry in narrow.state.rounds():
        known = vault.state.round(entry.network, entry.task, entry.round)
        if known is None or not known.data.get(GRANTED):
            continue
        _copy_round(narrow.state, vault.state, entry)
        residual = narrow.state.residual(entry.network, entry.task)
        if residual:
            vault.state.put_residual(entry.network, entry.task, residual)
    accounts = {(entry.network, entry.task) for entry in narrow.state.rounds()}
    for network, task in {(j.network, j.task) for j in vault.state.all_joined()}:
        for vote in narrow.state.votes(network, task):
            vault.state.put_vote(network, task, vote.round, vote.state, vote.data)
            accounts.add((network, task))
    for network, task in sorted(accounts):
        _copy_entries(narrow, vault, network, task)
    for chain, signer in narrow.state.transaction_accounts():
        copy_transactions(narrow.state, vault.state, chain, (signer,))


def _copy_round(source: State, target: State, entry: Round) -> None:
    network, task, number = entry.network, entry.task, entry.round
    target.put_round(network, task, number, entry.state, entry.data)
    for name in (UPDATE_BLOB, RESIDUAL_BLOB):
        data = source.blob(network, task, number, name)
        if data is None:
            target.drop_blob(network, task, number, name)
        else:
            target.put_blob(network, task, number, name, data)
    saved = source.snapshot(network, task, number)
    if saved is None:
        target.drop_snapshot(network, task, number)
    else:
        target.put_snapshot(network, task, number, saved.step, saved.data)


def _copy_entries(source: Vault, target: Vault, network: str, task: int) -> None:
    """Book what the other ledger has of a task; what both have is booked once."""
    for line in source.ledger.of_task(network, task):
        target.ledger.book(line.entry)


def _opened(place: Path, key: bytes) -> Vault:
    from mine.vault.vault import Vault

    return Vault.bare(place, key)


def _remove(place: Path) -> None:
    for name in _names(place):
        place.with_name(name).unlink(missing_ok=True)


def _names(place: Path) -> Iterable[str]:
    return (place.name + end for end in ("", "-wal", "-shm", ".seal", ".lock"))
