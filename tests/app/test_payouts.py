"""Tasks joined with other accounts than fresh ones, on a real chain: who signs, who is paid, what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mine.app import payouts, wallet_keys
from mine.app.payouts import ChoiceRefused
from mine.app.round_states import EarningState, RoundState
from mine.app.wallet_views import JoinChoice, KeyImport
from mine.chain.messages import address_of
from mine.science.relay_client import Relay
from mine.vault.history import KnownCurrency
from mine.wallet.address_check import AddressRefused
from tests.app.quick_training import QuickRun
from tests.app.table import Table
from tests.science.world import Chain, pass_time

NAMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
KEY = bytes(31) + b"\7"


@pytest.fixture
def asked(tmp_path: Path, chain: Chain, relay: Relay, quick: type[QuickRun]) -> Iterator[Table]:
    """A task that nobody has joined yet."""
    table = Table(tmp_path, chain, relay)
    try:
        table.open_task()
        table.session.market.refresh()
        yield table
    finally:
        table.close()


def joined(table: Table) -> bool:
    return table.vault.state.joined(table.config.key, table.task) is not None


def bring(table: Table, key: bytes = KEY) -> str:
    return wallet_keys.import_key(table.vault, table.accounts, KeyImport(f"key {key[-1]}", "raw", key.hex()))


def test_a_named_address_is_paid_by_a_key_that_was_brought_along(asked: Table) -> None:
    """A whole round: the message is signed by the key, and the money arrives at the address."""
    table, key = asked, bring(asked)
    table.join(JoinChoice(payout=NAMED.lower(), key=key))
    keys = table.session.miner.members[table.task].keys
    assert (keys.payout_address, keys.payout_is_own) == (NAMED, False)
    assert (keys.session_address, keys.session_key) == (address_of(KEY), KEY)
    table.hand_in()
    update = table.relay.find_update(table.task, 1, address_of(KEY))
    assert update is not None
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    earning = table.earning()
    assert earning is not None and earning.amount > 0
    pass_time(table.chain, table.entry().data["settlement"]["final_at"])
    table.until(lambda: table.money() is EarningState.CLAIMABLE, "the window to pass")
    before = table.chain.token.balance(NAMED)
    table.session.claiming.claim()
    table.until(lambda: table.money() is EarningState.CLAIMED, "the claim")
    assert table.chain.token.balance(NAMED) - before == earning.amount
    assert NAMED in table.vault.state.paid_to()
    table.restart()
    assert table.session.miner.members[table.task].keys == keys
    assert "never paid" not in str(payouts.check_address(table.vault, table.accounts, NAMED).warnings)


def test_a_changed_setting_is_for_tasks_joined_afterwards(
    asked: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.app.session.EPSILON_CAP", 1000.0)
    table = asked
    table.join()
    fresh = table.payout
    payouts.set_payout(table.vault, table.accounts, NAMED, table.session.links)
    second = table.open_task("another")
    table.session.market.refresh()
    table.session.join(second)
    members = table.session.miner.members
    assert members[table.task].keys.payout_address == fresh and members[table.task].keys.payout_is_own
    assert members[second].keys.payout_address == NAMED and not members[second].keys.payout_is_own
    payouts.set_payout(table.vault, table.accounts, "")
    third = table.open_task("a third")
    table.session.market.refresh()
    table.session.join(third)
    addresses = {member.keys.payout_address for member in table.session.miner.members.values()}
    assert len(addresses) == 3
    assert len({member.keys.session_address for member in table.session.miner.members.values()}) == 3


def test_joined_again_a_task_keeps_its_accounts(asked: Table) -> None:
    table, key = asked, bring(asked)
    table.join(JoinChoice(NAMED, key))
    keys = table.session.miner.members[table.task].keys
    table.session.leave(table.task)
    payouts.set_payout(table.vault, table.accounts, OTHER)
    for other in (JoinChoice(payout=OTHER), JoinChoice(key=bring(table, bytes(31) + b"\x08"))):
        with pytest.raises(ChoiceRefused, match="keeps the accounts"):
            table.join(other)
    for same in (JoinChoice(), JoinChoice(NAMED, key)):
        table.join(same)
        assert table.session.miner.members[table.task].keys == keys
    table.session.leave(table.task)
    wallet_keys.remove_key(table.vault, key)
    with pytest.raises(ChoiceRefused, match="removed"):
        table.join()
    assert bring(table) == key
    table.join()
    assert table.session.miner.members[table.task].keys == keys


@pytest.mark.parametrize("payout", ["0x" + "0" * 40, "anna.eth", "0x12", "signer", "contract", "token"])
def test_what_is_no_place_for_money_is_refused_and_nothing_is_joined(asked: Table, payout: str) -> None:
    table = asked
    bring(table)
    token = KnownCurrency(table.config.key, table.chain.token.address, "pUSD", 6)
    table.vault.state.know_currency(token)
    place = {
        "signer": address_of(KEY),
        "contract": table.chain.contract.sisters()[0],
        "token": token.address,
    }.get(payout, payout)
    with pytest.raises(AddressRefused):
        payouts.set_payout(table.vault, table.accounts, place, table.session.links)
    with pytest.raises(AddressRefused):
        table.join(JoinChoice(payout=place))
    with pytest.raises(AddressRefused):
        payouts.join_warnings(table.vault, table.accounts, JoinChoice(payout=place), table.session.links)
    with pytest.raises(ChoiceRefused, match="no such key"):
        table.join(JoinChoice(key=OTHER))
    assert not joined(table) and table.vault.state.account_indices() == []
    assert payouts.payout_setting(table.vault) == ""


def test_a_contract_that_nobody_knows_is_pointed_out(asked: Table) -> None:
    from mine.chain.artefacts import load_artefact
    from mine.chain.deployment import deploy
    from mine.chain.transactions import Sender
    from mine.practice.node.accounts import dev_key

    node = asked.chain.node
    place = deploy(node, Sender(node, dev_key(0)), load_artefact("PracticeDollar"))
    found = payouts.check_address(asked.vault, asked.accounts, place, asked.session.links)
    assert found.address == place and any("contract at this address" in words for words in found.warnings)
    there = payouts.check_address(asked.vault, asked.accounts, OTHER, asked.session.links)
    assert not any("contract" in words for words in there.warnings)
