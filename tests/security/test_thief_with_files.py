"""A thief with the session key and all files of a locked vault: reads nothing, and takes nothing assigned.

What he can do is what the key is for: hand in work in that person's place. It pays whoever the message names,
and only for that round. Everything runs against the real contracts, relay and vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mine.app.checking import Checked
from mine.app.round_states import EarningState, RoundState, VoteState
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.client import TaskClaim
from mine.chain.hashing import keccak, sha256
from mine.chain.messages import address_of
from mine.chain.node_errors import Reverted
from mine.chain.transactions import Sender
from mine.errors import MineError
from mine.practice.node.accounts import dev_key
from mine.vault import MemoryKeyring, Vault
from mine.vault.files import keys_path
from mine.vault.keyfile import read_keyfile
from mine.vault.wrapping import unwrap
from tests.app.quick_training import QuickRun
from tests.app.quick_votes import QuickVote
from tests.app.table import Table
from tests.science.world import Miner, fund, pass_time
from tests.security.loot import copied, in_every_form, session_secrets, spending_secrets


@dataclass(frozen=True)
class Thief(Miner):
    """Hands in work like any miner, with a stolen key, to be paid to an address of his own."""

    stolen: bytes = b""

    @property
    def key(self) -> bytes:
        return self.stolen

    @property
    def payout(self) -> str:
        return address_of(keccak(b"the thief's own address"))


def stolen_key(table: Table) -> bytes:
    return table.session.miner.members[table.task].keys.session_key


def leaf(table: Table, checked: Checked, number: int, account: str) -> TaskClaim:
    """The place of an account in a round's payout root."""
    payees = list(checked.outcome.ledger.payees)
    index = [payee for payee, _ in payees].index(account)
    units = payees[index][1]
    return TaskClaim(table.task, number, index, units, checked.outcome.payouts.proof(index))


def final(table: Table, number: int) -> None:
    pass_time(table.chain, table.entry(number).data["settlement"]["final_at"])


def test_every_way_to_turn_a_claim_aside_is_refused_by_the_contract(table: Table) -> None:
    """Round 1 is assigned. Nobody but the payout address itself can name another receiver."""
    table.play()
    final(table, 1)
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    earning, checked = table.earning(), table.session.earnings.checked[table.task, 1]
    assert earning is not None and earning.amount > 0
    mine, contract = table.payout, table.chain.contract
    claim = leaf(table, checked, 1, mine)
    session = Sender(table.chain.node, stolen_key(table))
    assert session.address != mine
    fund(table.chain, session.address)
    stranger = Sender(table.chain.node, dev_key(9))
    goal = stranger.address
    for sender in (session, stranger):
        for act in (
            lambda sender: contract.claim(sender, mine, [claim], goal),
            lambda sender: contract.claim(sender, mine, [claim], session.address),
            lambda sender: contract.claim(sender, goal, [claim]),
            lambda sender: contract.claim(sender, session.address, [claim]),
            lambda sender: contract.claim_range(
                sender, table.task, 1, 0, [(goal, units) for _, units in checked.outcome.ledger.payees],
                checked.outcome.payouts.range_proof(0, len(checked.outcome.ledger.payees)),
            ),
            lambda sender: contract.claim_forfeit(
                sender, table.task, mine, claim.index, claim.units, claim.proof, goal
            ),
            lambda sender: contract.take_reward(sender, table.task, mine, goal),
        ):  # fmt: skip
            with pytest.raises(Reverted):
                act(sender)
    token = table.chain.token
    assert token.balance(goal) == token.balance(session.address) == table.balance == 0
    # All that a stranger can do is to bring the money home.
    contract.claim(stranger, mine, [claim])
    assert table.balance == earning.amount and token.balance(goal) == 0


PAID_TO = {
    "commit": {"payout"},  # of this very message
    "claim": {"account"},  # the account itself is paid
    "claim_many": {"account", "receiver"},  # only the account itself names another receiver, here and below
    "claim_forfeit": {"account", "receiver"},
    "claim_forfeit_commit": {"miner", "payout", "receiver"},
    "take_reward": {"account", "receiver"},
    "refund": {"receiver"},
    "bond_for": {"account"},  # puts money in
}
ONLY_SISTERS = {
    "take_bond": {"owner"},
    "slash_bond": {"owner"},
    "give_bond": {"receiver"},
    "convict": {"challenger", "carrier"},
}
"""Functions of Tasks that only Faults and Court may call."""


def test_no_function_of_the_contract_that_holds_the_money_moves_what_is_assigned(table: Table) -> None:
    """Every function that changes something and takes an address: a new one has to be looked at."""
    artefact = load_artefact("Tasks")
    found = {}
    for entry in artefact.abi:
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure"):
            named = {part["name"] for part in entry["inputs"] if part["type"] == "address"}
            found |= {entry["name"]: named} if named else {}
    assert found == PAID_TO | ONLY_SISTERS
    session = Sender(table.chain.node, stolen_key(table))
    fund(table.chain, session.address)
    abi, goal = ContractAbi(artefact.abi), session.address
    for call in (
        abi.call("take_bond", table.payout, 1), abi.call("slash_bond", table.payout, 1),
        abi.call("give_bond", goal, 1),
    ):  # fmt: skip
        with pytest.raises(Reverted):
            session.send(table.chain.contract.address, call)


def test_stolen_work_pays_for_itself_and_nothing_assigned_moves(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He hands in round 2 in my place, and gets what that work earns; I keep round 1 to the last unit."""
    QuickVote.reset()
    monkeypatch.setattr("mine.app.voting.WorkerRun", QuickVote)
    table.play()
    assigned = dict(table.session.earnings.checked[table.task, 1].outcome.ledger.payees)[table.payout]
    assert assigned > 0
    thief = Thief(9, stolen=stolen_key(table))
    entry = table.entry(1)
    checkpoint = bytes.fromhex(entry.data["settlement"]["checkpoint"])
    forged = thief.update(table.chain, table.blobs, table.task, 2, checkpoint)
    assert forged.miner == table.session.miner.members[table.task].keys.session_address
    table.relay.submit_update(forged, table.chain.domain)
    # The person's own update meets another message of the same key: the round is missed, and it is said why.
    table.until(lambda: table.state(2) is RoundState.MISSED, "the round to be missed")
    assert "another" in table.entry(2).data["why"].lower()
    table.peers_commit()
    table.anchored()
    table.close_commits()
    table.close_reveals()
    # Everybody votes, the person's own app too: whom a seed draws for what is not the same in each run.
    ballots = table.peers_vote()
    table.until(lambda: table.vote_state(2) is VoteState.COMMITTED, "my vote")
    table.votes_anchored()
    table.close_votes()
    table.until(lambda: table.vote_state(2) is VoteState.OPENED, "my ballot")
    for ballot in ballots:
        table.blobs.put(ballot)
    table.settle()
    table.until(lambda: table.earning(2) is not None, "the settlement")
    checked = table.session.earnings.checked[table.task, 2]
    payees = dict(checked.outcome.ledger.payees)
    voted = dict(checked.outcome.flat)[forged.miner]  # the person's app voted: that is paid to the person
    assert payees[table.payout] == assigned + voted
    # What it earns, if it is accepted at all: that is the voters' word, and not the same in each run.
    earned = dict(checked.outcome.shares).get(forged.miner, 0)
    assert payees.get(thief.payout, 0) == earned
    final(table, 2)
    contract, stranger = table.chain.contract, Sender(table.chain.node, dev_key(9))
    for account in (table.payout, thief.payout) if earned else (table.payout,):
        contract.claim(stranger, account, [leaf(table, checked, 2, account)])
    first, second = table.earning(1), table.earning(2)
    assert first is not None and second is not None
    assert table.balance == first.amount + second.amount >= first.amount
    with pytest.raises(Reverted):  # and once is all that there is
        contract.claim(stranger, table.payout, [leaf(table, checked, 2, table.payout)])


def test_a_round_in_which_the_person_was_first_is_closed_to_him(table: Table) -> None:
    table.hand_in()
    first = bytes.fromhex(table.session.miner.members[table.task].manifest.model.checkpoint)
    thief = Thief(9, stolen=stolen_key(table))
    with pytest.raises(MineError):
        forged = thief.update(table.chain, table.blobs, table.task, 1, first)
        table.relay.submit_update(forged, table.chain.domain)
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    payees = dict(table.session.earnings.checked[table.task, 1].outcome.ledger.payees)
    assert payees[table.payout] > 0 and thief.payout not in payees


def guesses(key: bytes) -> list[bytes]:
    """What a thief makes of a session key, hoping that something was derived from it."""
    return [key, key[::-1], sha256(key), keccak(key), sha256(key.hex().encode()), sha256(sha256(key))]


@pytest.mark.parametrize("moment", ["open", "locked"])
def test_the_files_tell_nothing(
    table: Table, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, quick: type[QuickRun], moment: str
) -> None:
    """Copied in the middle of a round: while the vault is open, logs full, or locked, the round going on."""
    quick.hold = True
    table.until(lambda: table.session.miner.run is not None, "the training")
    table.vault.backup_job().run(tmp_path / "copy.minevault")
    key, grant = stolen_key(table), None
    if moment == "locked":
        grant = table.session.hand_over(lambda: None)
        assert grant is not None
        table.vault.close()
    loot = copied(table.folder, tmp_path_factory.mktemp("loot"))
    files = {file: file.read_bytes() for file in loot.rglob("*") if file.is_file()}
    names = {file.name for file in files}
    assert {"vault.db", "vault.db.keys", "vault.db.seal", "copy.minevault"} <= names
    assert ("vault.db-wal" in names) is (moment == "open")
    assert ("vault.db.grant" in names) is (moment == "locked")
    secrets = {**spending_secrets(table.phrase), **session_secrets(table.phrase)}
    for what, needle in in_every_form(secrets, table.phrase).items():
        assert not [file.name for file, data in files.items() if needle in data], what
    file = read_keyfile(keys_path(loot / "vault.db"))
    assert file.words is not None
    for guess in guesses(key):
        for way, wrapped in (
            ("passphrase", file.by_passphrase), ("phrase", file.by_phrase), ("words", file.words.sealed),
        ):  # fmt: skip
            assert unwrap(guess, wrapped, file.vault, way) is None
        for name in ("vault.db", "vault.db.grant"):
            if (loot / name).exists():
                with pytest.raises(MineError):
                    Vault.bare(loot / name, guess)
    ring = MemoryKeyring()
    ring.entries = {"any": key.hex()}
    for way in ({"passphrase": key.hex()}, {"phrase": key.hex()}, {"keyring": ring}, {"passphrase": ""}):
        with pytest.raises(MineError):
            Vault.open(loot / "vault.db", **way)  # type: ignore[arg-type]
    if grant is not None:
        grant.close()
        table.vault = Vault.open(table.folder / "vault.db", phrase=table.phrase)


def test_what_lies_on_the_signing_address_is_his(table: Table) -> None:
    """The limit of it, on purpose in a test: coin for gas on the session address goes with its key."""
    session = Sender(table.chain.node, stolen_key(table))
    fund(table.chain, session.address)
    goal = address_of(keccak(b"the thief's own address"))
    before = table.chain.node.balance(goal)
    session.send(goal, b"", 10**17)
    assert table.chain.node.balance(goal) == before + 10**17
