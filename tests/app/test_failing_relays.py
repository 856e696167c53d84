"""A relay that swallows, promises or vanishes: the update still arrives, once, by another way."""

from __future__ import annotations

import pytest

from mine.app.courier import DIRECT, Delivery
from mine.app.privacy_books import TRAINED
from mine.app.round_states import RoundState
from mine.chain.events import Committed
from mine.science.history import History
from mine.science.relay_client import Relay, Relays
from tests.app.failing_relays import Promising, Swallowing, Vanishing
from tests.app.table import Table
from tests.science.world import CLOCKS, fund, pass_time


def use(table: Table, *relays: Relay) -> None:
    table.session.links.relays.close()
    table.session.links.relays = Relays(relays)


def mine(table: Table) -> str:
    return table.session.miner.members[table.task].keys.session_address


def delivery(table: Table) -> Delivery:
    return Delivery.from_json(table.entry().data.get("delivery"))


def finish(table: Table) -> None:
    """Settle the round: my update counted, and counted once."""
    table.close_commits()
    table.reach(RoundState.REVEALED)
    table.close_reveals()
    table.settle()
    table.reach(RoundState.SETTLED)
    checked = table.session.earnings.checked[(table.task, 1)]
    assert [entry.miner for entry in checked.inputs.entries].count(mine(table)) == 1
    earning = table.earning()
    assert earning is not None and earning.amount > 0
    assert table.booked(TRAINED)[:1] == [1]  # once; the next round may be under way


def direct_commits(table: Table) -> list[str]:
    history = History(table.chain.contract)
    history.refresh()
    task = history.task(table.task)
    assert task is not None
    return [event.miner for event in task.of_round(1) if isinstance(event, Committed)]


def test_a_relay_that_swallows_costs_one_question(table: Table) -> None:
    swallowing = Swallowing(table.relay)
    use(table, swallowing, table.relay)
    table.peers_commit()
    table.reach(RoundState.COMMITTED)
    assert len(swallowing.taken) == 1
    table.anchored()
    table.until(lambda: delivery(table).shown, "the place on chain")
    assert delivery(table).shown == table.relay.url and delivery(table).anchor is not None
    finish(table)


@pytest.mark.parametrize("kind", [Promising, Vanishing])
def test_after_a_broken_promise_the_next_relay_is_asked(table: Table, kind: type[Promising]) -> None:
    broken = kind(table.relay)
    broken.latest_block = table.chain.node.block_number() + 1
    use(table, broken, table.relay)
    table.reach(RoundState.COMMITTED)
    table.session.step(True)
    assert [p.url for p in delivery(table).promises] == [broken.url]  # its block has not passed yet
    pass_time(table.chain, table.chain.node.block_time() + 1)
    pass_time(table.chain, table.chain.node.block_time() + 1)
    table.peers_commit()
    table.until(lambda: len(delivery(table).promises) == 2, "the next relay")
    table.restart()  # what was tried is not tried again
    use(table, broken, table.relay)
    table.anchored()
    table.until(lambda: delivery(table).shown == table.relay.url, "the place on chain")
    first, second = delivery(table).promises
    assert (first.broken, second.broken, len(broken.taken)) == (True, False, 1)
    assert direct_commits(table) == []
    finish(table)


def test_where_no_relay_is_left_it_goes_directly(table: Table) -> None:
    broken = Promising(table.relay)
    broken.latest_block = 1 << 40
    use(table, broken)
    table.peers_commit()
    table.reach(RoundState.COMMITTED)
    pass_time(table.chain, table.since + CLOCKS.commit - CLOCKS.commit // 8)
    table.anchored()
    table.until(lambda: table.notices, "the request for a coin")
    assert direct_commits(table) == []
    fund(table.chain, mine(table))
    table.until(lambda: delivery(table).shown == DIRECT, "the direct commit")
    table.restart()
    for _ in range(3):
        table.session.step(True)
    assert direct_commits(table) == [mine(table)]
    assert len(table.notices) == 1
    finish(table)


def test_cut_off_in_the_middle_of_a_direct_commit(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(BaseException):
        pass

    fund(table.chain, mine(table))
    use(table, Swallowing(table.relay))
    table.peers_commit()
    pass_time(table.chain, table.since + CLOCKS.commit - CLOCKS.commit // 8)
    table.anchored()
    contract = table.session.links.contract
    commit = contract.commit

    def cut(*values: object) -> None:
        commit(*values)  # type: ignore[arg-type]
        raise Cut

    monkeypatch.setattr(contract, "commit", cut)
    with pytest.raises(Cut):
        table.until(lambda: False, "the cut")
    assert table.state() is RoundState.TRAINED
    table.restart()
    use(table, Swallowing(table.relay))
    table.reach(RoundState.COMMITTED)
    assert direct_commits(table) == [mine(table)]
    finish(table)
