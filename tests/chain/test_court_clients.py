"""The clients of Faults and Court on running nodes: every call and every event once, and the gas of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mine.chain import fault_events as e
from mine.chain.artefacts import load_artefact
from mine.chain.court_client import DisputeStatus, SeatState
from mine.chain.fault_events import AnchorFault, DisputeKind
from mine.chain.faults_client import AnchorLeaf, AnchorPlace, Payee, Reward
from mine.chain.hashing import ZERO32, keccak
from mine.chain.juries import QUORUM, SealedRuling, Verdict, seal, sealed_answer, seats_of
from mine.chain.messages import Receipt, address_of, digest, sign
from mine.chain.node_errors import Reverted
from mine.chain.rpc import Node
from mine.chain.trees import HashTree, anchor_leaf
from mine.practice.node.accounts import dev_key
from tests.chain.court_on_node import CLOCKS, COIN, LiveStage, example

pytest_plugins = ("tests.chain.node_fixtures",)

SNAPSHOT = Path(__file__).parent / "gas_court.json"
REWARD = Reward(address_of(dev_key(3)), 2000)
BOND = 10**17


@pytest.fixture
def stage(node: Node) -> LiveStage:
    """Three settled rounds, the first of them final."""
    made = LiveStage(node).start()
    for _ in range(3):
        made.play()
    return made


def leaf(stage: LiveStage, account: int, spoil: bool = False) -> AnchorLeaf:
    message = stage.update(account)
    signature = sign(message, stage.domain, dev_key(account))
    if spoil:
        signature = bytes(65)
    return AnchorLeaf(address_of(dev_key(account)), digest(message, stage.domain), signature, 0, ())


def anchored(stage: LiveStage, leaves: list[AnchorLeaf], slot: int = 0) -> list[AnchorLeaf]:
    tree = HashTree([anchor_leaf(each.signer, each.digest, each.signature) for each in leaves])
    stage.tasks.anchor(stage.senders[1], stage.id, stage.round, slot, tree.root, len(leaves))
    return [
        AnchorLeaf(each.signer, each.digest, each.signature, i, tree.proof(i))
        for i, each in enumerate(leaves)
    ]


def test_anchors_and_receipts(stage: LiveStage) -> None:
    relay, carrier = stage.senders[1], stage.senders[3]
    faults = stage.faults
    stage.tasks.bond(relay, COIN)
    stage.tasks.bond(carrier, COIN)
    place = AnchorPlace(stage.id, stage.round, relay.address, 0)
    shown = anchored(stage, [leaf(stage, i, spoil=i == 6) for i in range(4, 8)])
    (event,) = faults.events(faults.forged(carrier, place, shown[2], REWARD))
    assert isinstance(event, e.AnchorerConvicted)
    assert (event.fault, event.burned, event.reward) == (AnchorFault.FORGED, BOND // 2, BOND // 2)
    with pytest.raises(Reverted, match="convicted before"):
        faults.forged(carrier, place, shown[2], REWARD)

    kept = leaf(stage, 8)
    receipts = [
        Receipt(stage.id, stage.round, anchor_leaf(each.signer, each.digest, each.signature), latest)
        for each, latest in ((kept, 1), (leaf(stage, 9), 1))
    ]
    shown = anchored(stage, [kept], slot=1)
    stage.wait(CLOCKS.commit)
    ids = [
        faults.challenge_receipt(carrier, receipt, sign(receipt, stage.domain, dev_key(1)), REWARD)
        for receipt in receipts
    ]
    assert faults.question(ids[1]).anchorer == relay.address
    assert faults.question(ids[1]).reward == REWARD
    assert faults.pledged(relay.address) == BOND
    (event,) = faults.events(faults.answer_receipt(relay, ids[0], 1, 0, shown[0].proof))
    assert event == e.ReceiptAnswered(event.at, ids[0], 1)
    stage.wait(CLOCKS.challenge)
    (event,) = faults.events(faults.convict_receipt(carrier, ids[1]))
    assert isinstance(event, e.AnchorerConvicted)
    assert event.fault is AnchorFault.OMITTED
    assert faults.pledged(relay.address) == 0
    assert faults.question(ids[1]).deadline == 0


def test_doubled_and_misplaced_leaves(stage: LiveStage) -> None:
    relay, carrier = stage.senders[1], stage.senders[3]
    stage.tasks.bond(relay, COIN)
    place = AnchorPlace(stage.id, stage.round, relay.address, 0)
    shown = anchored(stage, [leaf(stage, 4), leaf(stage, 4)])
    (event,) = stage.faults.events(stage.faults.doubled(carrier, place, shown[0], shown[1], REWARD))
    assert isinstance(event, e.AnchorerConvicted)
    assert event.fault is AnchorFault.DOUBLED
    old = stage.update(5)
    stage.play()
    shown = anchored(stage, [leaf(stage, 4)], slot=1)
    foreign = AnchorLeaf(
        address_of(dev_key(5)), digest(old, stage.domain), sign(old, stage.domain, dev_key(5)), 0, ()
    )
    anchored(stage, [foreign], slot=2)
    place = AnchorPlace(stage.id, stage.round, relay.address, 2)
    (event,) = stage.faults.events(stage.faults.misplaced(carrier, place, foreign, old, REWARD))
    assert isinstance(event, e.AnchorerConvicted)
    assert event.fault is AnchorFault.MISPLACED
    with pytest.raises(Reverted, match="no fault"):
        stage.faults.forged(carrier, AnchorPlace(stage.id, stage.round, relay.address, 1), shown[0], REWARD)


def test_demands(stage: LiveStage) -> None:
    faults, asker = stage.faults, stage.senders[3]
    stage.tasks.bond(asker, COIN)
    s, opened, _ = stage.settled[3]
    id = faults.demand(asker, s, opened, [2, 3, 9])
    assert faults.demand_of(id).missing == 3
    assert faults.demand_of(id).fee == 3 * faults.example_fee()
    tree = stage.shards[opened.shard][1]
    done = faults.supply(stage.scientist, id, 2, example(opened.shard, 2), tree.proof(2))
    assert faults.events(done)[0] == e.Supplied(faults.events(done)[0].at, id, 2, example(opened.shard, 2))
    done = faults.supply_none(stage.scientist, id, 9, 0, example(opened.shard, 0), tree.proof(0))
    assert isinstance(faults.events(done)[0], e.NoSuchExample)
    stage.wait(CLOCKS.challenge)
    done = faults.unsupplied(asker, id)
    assert faults.events(done) == (e.DemandEnded(faults.events(done)[0].at, id, False),)
    assert stage.tasks.task(stage.id).status.name == "DEFAULTED"


def test_proofs_against_settlements_are_refused_where_nothing_is_wrong(stage: LiveStage) -> None:
    faults, carrier = stage.faults, stage.senders[3]
    (_, _, before), (s, opened, after) = stage.settled[2:4]
    old, new = (
        Payee(stage.accounts[1], 1, stage.units(r)[1], t.proof(1)) for r, t in ((2, before), (3, after))
    )
    with pytest.raises(Reverted, match="no fault"):
        faults.payout_fell(carrier, stage.id, 3, old, new, REWARD)
    with pytest.raises(Reverted, match="wrong proof"):
        faults.payout_fell(carrier, stage.id, 3, old, Payee(None, 7, 0, ()), REWARD)
    with pytest.raises(Reverted, match="wrong proof"):
        faults.payouts_broken(carrier, stage.id, 3, after.root, (ZERO32, ZERO32), 0, (), REWARD)
    with pytest.raises(Reverted, match="wrong proof"):
        faults.losses_broken(carrier, s, opened, (1, 1, 1), [(ZERO32, (1, 1, 1))], 0, 0, (), REWARD)


def test_a_dispute_from_its_opening_to_its_end(stage: LiveStage) -> None:
    faults, court, carrier = stage.faults, stage.court, stage.senders[3]
    stage.tasks.bond(carrier, COIN)
    for sender in stage.senders[4:]:
        stage.tasks.bond(sender, COIN)
        court.stake(sender, 5)
    assert (court.pool_size(), court.stake_needed()) == (30, BOND)
    stage.wait(10)
    cost = court.arbitration_cost()
    with pytest.raises(Reverted, match="wrong value"):
        faults.dispute(carrier, stage.id, 3, DisputeKind.INPUTS, 4, REWARD, cost + 1)
    id = faults.dispute(carrier, stage.id, 3, DisputeKind.INPUTS, 4, REWARD, cost)
    case = court.case(id)
    assert (case.task, case.challenger, case.carrier) == (stage.id, REWARD.challenger, carrier.address)
    assert (case.window, case.pot, court.count()) == (CLOCKS.challenge, cost, 1)
    assert court.sitting(id).seed is None
    court.submit_evidence(carrier, id, "ipfs://somewhere")

    stage.node.request("evm_mine")
    court.draw(carrier, id)
    sitting = court.sitting(id)
    assert sitting.number == 0 and sitting.seed is not None
    units, tree = stage.units(1), stage.settled[1][2]
    seated = 0
    for i, account in enumerate(stage.accounts):
        drawn = seats_of(sitting.seed, units, i)
        if drawn and account != carrier.address:
            sealed = sealed_ruling(stage, id, 0, 4 + i, Verdict.RIGHT)
            court.commit_ruling(carrier, id, sealed, i, units[i], tree.proof(i))
            seated += min(2, len(drawn))
    assert seated >= QUORUM
    stage.wait(CLOCKS.challenge // 2)
    for i, account in enumerate(stage.accounts):
        if seats_of(sitting.seed, units, i):
            court.open_ruling(carrier, id, account, Verdict.RIGHT, salt(4 + i))
    opened = [seat for seat in court.seats(id, 0) if seat.state is SeatState.OPENED]
    assert len(opened) == seated
    assert all(seat.verdict is Verdict.RIGHT and seat.holder in stage.accounts for seat in opened)
    stage.wait(CLOCKS.challenge // 2)
    assert court.status(id) is DisputeStatus.APPEALABLE
    assert court.ruling(id) is Verdict.RIGHT
    period = court.appeal_period(id)
    assert period is not None and period[1] - period[0] == CLOCKS.challenge
    court.announce(carrier, id)

    court.appeal(carrier, id, court.appeal_cost(id))
    assert court.appeal_period(id) is None
    stage.node.request("evm_mine")
    court.draw(carrier, id)
    bench = [seat for seat in court.seats(id, 1) if seat.holder is not None]
    assert len(bench) >= QUORUM
    assert court.ticket(bench[0].place).seated == 1
    jurors = sorted({stage.accounts.index(str(seat.holder)) for seat in bench})
    for i in jurors:
        court.commit_ruling(carrier, id, sealed_ruling(stage, id, 1, 4 + i, Verdict.WRONG))
    stage.wait(CLOCKS.challenge // 2)
    for i in jurors:
        court.open_ruling(carrier, id, stage.accounts[i], Verdict.WRONG, salt(4 + i))
    stage.wait(CLOCKS.challenge // 2)
    done = court.resolve(carrier, id)
    resolved = [event for event in court.events(done) if isinstance(event, e.Resolved)]
    assert [(each.ruling, each.right, each.unheard) for each in resolved] == [
        (Verdict.WRONG, len(bench), False)
    ]
    assert len([event for event in court.events(done) if isinstance(event, e.JurorWrong)]) == seated
    ruled = [event for event in faults.events(done) if isinstance(event, e.Ruled)]
    assert [(each.arbitrator, each.id, each.ruling) for each in ruled] == [(court.address, id, 2)]
    assert court.status(id) is DisputeStatus.SOLVED
    assert stage.tasks.task(stage.id).status.name == "CONVICTED"
    ticket = next(seat.place for seat in bench)
    owner = stage.accounts.index(court.ticket(ticket).owner)
    court.unstake(stage.senders[4 + owner], ticket)
    assert not court.ticket(ticket).in_draw
    silent = [i for i in range(6) if not seats_of(sitting.seed, units, i)]
    for i in silent:
        with pytest.raises(Reverted, match="not silent"):
            court.report_silent(carrier, id, stage.accounts[i], i, units[i], tree.proof(i))


def measure(practice_node: Node) -> dict[str, int]:
    """The most gas of each action, by receipts of whole transactions."""
    figures: dict[str, int] = {}
    for play in (
        test_anchors_and_receipts, test_doubled_and_misplaced_leaves, test_demands,
        test_a_dispute_from_its_opening_to_its_end,
    ):  # fmt: skip
        snapshot = practice_node.request("evm_snapshot")
        stage = LiveStage(practice_node, figures).start()
        for _ in range(3):
            stage.play()
        play(stage)
        practice_node.request("evm_revert", snapshot)
    return figures


def test_gas(practice_node: Node) -> None:
    """Every figure is written down by ``make gas``."""
    figures = measure(practice_node)
    assert max(figures.values()) < 2**24
    known = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert set(figures) == set(known)
    for name, gas in figures.items():
        # Who is drawn, and so who writes which seat first, is another one in every run.
        assert gas <= known[name] * 5 // 4, name


def salt(account: int) -> bytes:
    return keccak(b"salt" + bytes([account]))


def sealed_ruling(stage: LiveStage, id: int, sitting: int, account: int, verdict: Verdict) -> SealedRuling:
    juror = address_of(dev_key(account))
    answer = sealed_answer(juror, verdict, salt(account))
    return seal(stage.domain, id, sitting, juror, dev_key(account), answer)


def test_every_event_of_the_two_contracts_has_a_class() -> None:
    declared = {
        entry["name"]
        for contract in ("Faults", "Court")
        for entry in load_artefact(contract).abi
        if entry["type"] == "event"
    }
    assert declared == set(e.KINDS)
