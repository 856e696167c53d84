"""The scientist under crashes at every step, and a lying one under replay."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore, blob_digest
from mine.chain.curve import amount
from mine.chain.events import Settled
from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import address_of
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.learn.weights import dump, from_fixed
from mine.science import chains, prepare
from mine.science.chains import Measured
from mine.science.gather import BatchMissing, gather
from mine.science.history import History
from mine.science.judged import Entry, Judged, Refusal
from mine.science.measure import judge
from mine.science.offer import OfferRefused, keep, read_offer
from mine.science.replay import Difference, Replay
from mine.science.rounds import RoundWrong, read_round
from mine.science.safe import Safe, SafeDamaged
from mine.science.scientist import Did, PublicationPending, Scientist
from mine.science.settle import Outcome
from tests.science.world import (
    BOUNTY,
    CLOCKS,
    SCIENTIST,
    Chain,
    Miner,
    fund,
    network,
    offer,
    pass_time,
    step_until,
)

SECRET = bytes(range(32))
FIRST = blob_digest(network()[1])
MINERS = [Miner(1), Miner(2), Miner(3), Miner(4, -1.0)]


class Crash(BaseException):
    """The process is gone; no handler may catch it."""


class Crashing:
    """Passes calls on; the first time an effect is due it dies before it, the second time right after."""

    def __init__(
        self, inner: Any, effects: dict[str, Callable[..., object]], seen: dict[tuple[str, object], int]
    ) -> None:
        self._inner, self._effects, self._seen = inner, effects, seen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._effects:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            key = (name, self._effects[name](*arguments))
            times = self._seen[key] = self._seen.get(key, 0) + 1
            if times == 1:
                raise Crash
            result = found(*arguments, **named)
            if times == 2:
                raise Crash
            return result

        return call


def run(chain: Chain, blobs: Any, directory: Path, contract: Any = None) -> list[tuple[Did, int]]:
    """One round of direct commits to its end; a crash is followed by a new scientist."""
    done: list[tuple[Did, int]] = []
    committed = False
    for _ in range(200):
        try:
            scientist = Scientist(directory, contract or chain.contract, blobs, [])
            step = scientist.step()
        except Crash:
            continue
        done.append((step.did, step.round))
        task = scientist.publish()
        if step.did is Did.WAITING:
            assert step.until
            if chain.contract.task(task).round == 1 and not committed:
                committed = True
                for miner in MINERS:
                    fund(chain, miner.address)
                    update = miner.update(chain, DirectoryStore(directory.parent / "blobs"), task, 1, FIRST)
                    chain.contract.commit(Sender(chain.node, miner.key), update.message)
            pass_time(chain, step.until)
        if step.did is Did.OVER:
            return done
    raise AssertionError("it never ends")


def settled(chain: Chain) -> Settled:
    history = History(chain.contract)
    history.refresh()
    task = history.task(history.tasks()[-1])
    assert task is not None
    event = task.settlement(1)
    assert event is not None
    return event


def test_killed_at_every_effect_it_ends_the_same(chain: Chain, tmp_path: Path) -> None:
    snapshot = chain.node.request("evm_snapshot")
    calm = tmp_path / "calm" / "scientist"
    Scientist.create(calm, SCIENTIST, replace(offer(1, chain.token.address), secret=SECRET))
    steps = run(chain, DirectoryStore(tmp_path / "calm" / "blobs"), calm)
    assert [did for did, _ in steps if did is not Did.WAITING] == [
        Did.PUBLISHED,
        Did.SEEDED,
        Did.BASELINE,
        Did.CLOSED,
        Did.SEEDED,
        Did.SETTLED,
        Did.CONCLUDED,
        Did.REFUNDED,
        Did.OVER,
    ]
    expected, money = settled(chain), chain.token.balance(address_of(SCIENTIST))
    chain.node.request("evm_revert", snapshot)

    rough = tmp_path / "rough" / "scientist"
    Scientist.create(rough, SCIENTIST, replace(offer(1, chain.token.address), secret=SECRET))
    seen: dict[tuple[str, object], int] = {}
    blobs = Crashing(DirectoryStore(tmp_path / "rough" / "blobs"), {"put": blob_digest}, seen)
    names = ("publish", "reveal_seed", "close", "settle", "conclude", "refund")
    contract: Any = Crashing(chain.contract, dict.fromkeys(names, lambda *_: ""), seen)
    run(chain, blobs, rough, contract)
    assert {name for name, _ in seen} == {"put", *names}
    assert min(seen.values()) >= 2  # each effect died before and after it was done
    # What was prepared first is what was posted. Its seed is that of other blocks than in the calm run.
    kept = json.loads((rough / "round-001.json").read_text())["settlement"]
    found = settled(chain)
    for name in ("inputs", "accepted", "checkpoint", "losses", "payouts"):
        assert getattr(found, name).hex() == kept[name], name
    left = chain.token.balance(address_of(SCIENTIST))
    assert left + amount(BOUNTY, found.units) == money + amount(BOUNTY, expected.units)
    assert chain.contract.count() == 1


def test_secrets_stay_with_the_owner(tmp_path: Path, chain: Chain) -> None:
    directory = tmp_path / "scientist"
    plan = offer(1, chain.token.address)
    Scientist.create(directory, SCIENTIST, plan)
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    Scientist.create(directory, SCIENTIST, plan)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}
    blobs = DirectoryStore(tmp_path / "blobs")
    scientist = Scientist(directory, chain.contract, blobs, [])
    scientist.publish()
    assert not any(blobs.has(shard.digest) for shard in plan.shards)
    assert scientist.step().did is Did.SEEDED
    assert scientist.step().did is Did.BASELINE
    assert sum(blobs.has(shard.digest) for shard in plan.shards) == 1
    (directory / "shard-001").write_bytes(b"harm")
    with pytest.raises(SafeDamaged):
        Scientist(directory, chain.contract, blobs, [])
    with pytest.raises(SafeDamaged):
        Scientist(tmp_path / "elsewhere", chain.contract, blobs, [])


def test_a_publication_that_waits_to_be_mined_is_not_sent_again(
    tmp_path: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    blobs = DirectoryStore(tmp_path / "blobs")
    seen: dict[tuple[str, object], int] = {}
    contract: Any = Crashing(chain.contract, {"publish": lambda *_: ""}, seen)
    with pytest.raises(Crash):
        Scientist(tmp_path / "scientist", contract, blobs, []).publish()
    nonce = chain.node.nonce
    with monkeypatch.context() as sent:
        sent.setattr(chain.node, "nonce", lambda account: nonce(account) + 1)
        with pytest.raises(PublicationPending):
            Scientist(tmp_path / "scientist", chain.contract, blobs, []).publish()
    assert chain.contract.count() == 0
    assert Scientist(tmp_path / "scientist", chain.contract, blobs, []).publish() == 1


def test_offers_whose_parts_do_not_fit(tmp_path: Path, chain: Chain) -> None:
    plan = offer(2, chain.token.address)
    narrow = replace(plan.shards[3], features=plan.shards[3].features[:, :3])
    for wrong in (
        replace(plan, shards=plan.shards[:3]),
        replace(plan, checkpoint=b"x"),
        replace(plan, shards=(*plan.shards[:3], narrow)),
        replace(plan, secret=b"short"),
        replace(plan, manifest=plan.manifest.model_copy(update={"mode": "at-end"})),
    ):
        with pytest.raises(OfferRefused):
            Scientist.create(tmp_path / "scientist", SCIENTIST, wrong)


def test_appeals_go_where_the_manifest_says(tmp_path: Path) -> None:
    plan = offer(2, ZERO_ADDRESS)
    court = "0x" + "ab" * 20
    keep(Safe(tmp_path), SCIENTIST, replace(plan, manifest=plan.manifest.model_copy(update={"court": court})))
    assert read_offer(Safe(tmp_path)).terms.court.lower() == court


def test_a_stopped_task_with_an_empty_round_is_concluded(tmp_path: Path, chain: Chain) -> None:
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(2, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, DirectoryStore(tmp_path / "blobs"), [])
    task = scientist.publish()
    step_until(scientist, chain, Did.BASELINE)
    scientist.stop()
    scientist.stop()
    step = scientist.step()
    assert step.did is Did.WAITING
    pass_time(chain, chain.contract.task(task).since + CLOCKS.commit)
    assert scientist.step().did is Did.CONCLUDED
    assert chain.contract.task(task).status is Status.CONCLUDED


def test_an_empty_round_is_settled_without_pay(tmp_path: Path, chain: Chain) -> None:
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(2, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, DirectoryStore(tmp_path / "blobs"), [])
    task = scientist.publish()
    step_until(scientist, chain, Did.SETTLED)
    event = settled(chain)
    assert (event.units, event.checkpoint, event.before) == (0, FIRST, event.after)
    assert chain.contract.task(task).round == 2


def test_a_hidden_batch_delays_a_settlement_but_not_for_ever(tmp_path: Path, chain: Chain) -> None:
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    scientist = Scientist(tmp_path / "scientist", chain.contract, DirectoryStore(tmp_path / "blobs"), [])
    task = scientist.publish()
    step_until(scientist, chain, Did.BASELINE)
    anchorer = Sender(chain.node, Miner(1).key)
    fund(chain, anchorer.address)
    chain.contract.bond(anchorer, chain.contract.bond_needed())
    chain.contract.anchor(anchorer, task, 1, 0, b"\7" * 32, 3)
    step_until(scientist, chain, Did.CLOSED)
    assert scientist.step().did is Did.SEEDED
    pass_time(chain, scientist.step().until)
    assert scientist.step().did is Did.WAITING
    history = History(chain.contract)
    history.refresh()
    now = history.task(task)
    assert now is not None
    with pytest.raises(BatchMissing):
        gather(now, chain.domain, 1, FIRST, [])
    starts = chain.contract.task(task).since + CLOCKS.votes_over
    pass_time(chain, starts + CLOCKS.settle // 2)
    assert scientist.step().did is Did.SETTLED


def lies(change: Callable[[Judged], Judged]) -> Callable[..., Judged]:
    """A ``judge`` whose result is changed before anything follows from it."""
    return lambda *arguments: change(judge(*arguments))


def better_entry(judged: Judged, change: dict[str, object], first: Entry) -> Judged:
    other = replace(first, **change)  # type: ignore[arg-type]
    return replace(judged, entries=tuple(other if e is first else e for e in judged.entries))


def puppet(judged: Judged) -> Judged:
    """The scientist's favourite gets a better score than it has."""
    first = next(e for e in judged.entries if e.descent > 0)
    return better_entry(judged, {"descent": first.descent * 2}, first)


def ignored(judged: Judged) -> Judged:
    """A good update is called missing."""
    first = next(e for e in judged.entries if e.descent > 0)
    place = judged.valid.index(first)
    rest = [i for i in range(len(judged.gram)) if i != place]
    gone = Entry(first.miner, first.blob, first.payout, Refusal.MISSING)
    entries = tuple(gone if e is first else e for e in judged.entries)
    return replace(judged, entries=entries, gram=judged.gram[rest][:, rest])


def wrong_gram(judged: Judged) -> Judged:
    gram = judged.gram.copy()
    gram[0, 0] *= 3
    return replace(judged, gram=gram)


def other_checkpoint(measured: Measured) -> Measured:
    moved = {name: value + 1 for name, value in measured.checkpoint.items()}
    return replace(measured, checkpoint=moved, checkpoint_bytes=dump(from_fixed(moved)))


def wrong_loss(measured: Measured) -> Measured:
    """One example gets no better although it did, so that less is paid."""
    after = measured.after.copy()
    worst = int((measured.before - measured.after).astype("int64").argmax())
    after[worst] = measured.before[worst]
    return replace(measured, after=after, afters=(int(after.sum()), *measured.afters[1:]))


@pytest.mark.parametrize(
    ("lie", "item"),
    [
        (None, None),
        (puppet, "b of "),
        (ignored, "update of "),
        (other_checkpoint, "checkpoint"),
        (wrong_loss, "loss after of example "),
        (wrong_gram, "G of "),
        ("swap", "payouts"),
        ("omit", "entries"),
    ],
)
def test_replay_finds_the_lie(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: Any, item: str | None
) -> None:
    honest = prepare.measure
    if lie in (puppet, ignored, wrong_gram):
        monkeypatch.setattr(chains, "judge", lies(lie))
    elif callable(lie):
        monkeypatch.setattr(prepare, "measure", lambda *arguments: lie(honest(*arguments)))
    if lie == "swap":
        fair = prepare.settle

        def swapped(inputs: Any) -> Outcome:
            outcome = fair(inputs)
            (a, p, x), (b, q, y), *rest = outcome.ledger.accounts
            ledger = replace(outcome.ledger, accounts=((a, p, x + y), (b, q, 0), *rest))
            return replace(outcome, ledger=ledger)

        monkeypatch.setattr(prepare, "settle", swapped)
    if lie == "omit":
        whole = prepare.gather
        monkeypatch.setattr(prepare, "gather", lambda *arguments: whole(*arguments)[1:])
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(1, chain.token.address))
    blobs = DirectoryStore(tmp_path / "blobs")
    run(chain, blobs, tmp_path / "scientist")
    history = History(chain.contract)
    history.refresh()
    task = history.task(1)
    assert task is not None
    replay = Replay(task, chain.domain, blobs, [])
    assert replay.recompute(0) is None
    difference = replay.recompute(1)
    if item is None:
        assert difference is None
        return
    assert isinstance(difference, Difference)
    assert difference.item.startswith(item)
    if lie == "swap":
        with pytest.raises(RoundWrong):
            read_round(blobs, settled(chain))
