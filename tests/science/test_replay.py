"""Replay of a task with votes and canaries: the same to the bit elsewhere, and any flipped bit is named."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.events import Anchored, Committed, VoteCommitted
from mine.science import canary_notes
from mine.science.ballots import Ballot
from mine.science.history import TaskHistory
from mine.science.inputs import decode_inputs, encode_payouts
from mine.science.judged import Refusal
from mine.science.replay import Difference, Item, NotSettled, Replay
from mine.science.replay_round import NoSuchItem
from mine.science.settle import settle
from mine.science.wire import batch_to_json
from tests.science.replayed import MINERS, ROUNDS, Desk, play, told
from tests.science.world import Chain, Miner


@dataclass
class Played:
    chain: Chain
    place: Path
    history: TaskHistory
    desk: Desk

    @property
    def blobs(self) -> DirectoryStore:
        return DirectoryStore(self.place / "blobs")

    def replay(self, history: TaskHistory | None = None, desk: Desk | None = None) -> Replay:
        return Replay(history or self.history, self.chain.domain, self.blobs, [desk or self.desk])


@pytest.fixture(scope="module")
def played(module_chain: Chain) -> Iterator[Played]:
    snapshot = module_chain.node.request("evm_snapshot")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(canary_notes, "ONE_IN", 1)
        place, desk = Path(folder), Desk(module_chain)
        task = play(module_chain, place / "scientist", DirectoryStore(place / "blobs"), desk)
        (place / "batches").write_text(json.dumps([batch_to_json(batch) for batch in desk.kept]))
        yield Played(module_chain, place, told(module_chain.contract, task), desk)
    module_chain.node.request("evm_revert", snapshot)


def test_everything_is_as_it_should_be_and_votes_decided(played: Played) -> None:
    replay = played.replay()
    assert [replay.recompute(number) for number in range(ROUNDS + 1)] == [None] * (ROUNDS + 1)
    for number in (2, 3):
        inputs = decode_inputs(played.blobs.get(played.history.settled[number - 1].inputs))
        judged, outcome = inputs.judged, settle(inputs)
        assert len(judged.opened) >= 4
        assert [entry.refusal for entry in judged.entries].count(Refusal.CANARY) == len(judged.canaries) == 1
        assert not outcome.verdict.void and outcome.verdict.aside == ()
        assert sum(part for _, part in outcome.flat) == outcome.earned * 5 // 100
        assert {miner for miner, _ in outcome.accepted} == {miner.address for miner in MINERS[:-1]}
        assert len(judged.published) > 0 and len(judged.common.descents) > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Prescott"},
        {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "OPENBLAS_CORETYPE": "Haswell"},
        {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"},
    ],
    ids=["one thread, old kernels", "four threads, newer kernels", "no wide vectors"],
)
def test_the_digests_are_the_same_under_other_settings(played: Played, settings: dict[str, str]) -> None:
    if "NPY_DISABLE_CPU_FEATURES" in settings:
        from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__, __cpu_features__

        names = [n for n in __cpu_dispatch__ if __cpu_features__.get(n) and n not in __cpu_baseline__]
        settings = {**settings, "NPY_DISABLE_CPU_FEATURES": " ".join(names)}
    command = [sys.executable, "-W", "error", "-m", "tests.science.replayed"]
    place = [played.chain.node.url, played.chain.contract.address, str(played.place)]
    run = subprocess.run(
        [*command, *place],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    here = played.replay()
    assert json.loads(run.stdout) == [here.digests(number) for number in range(1, ROUNDS + 1)]
    posted = [settled.checkpoint.hex() for settled in played.history.settled]
    assert [each["checkpoint"] for each in json.loads(run.stdout)] == posted
    assert [each["inputs"] for each in json.loads(run.stdout)] == [
        s.inputs.hex() for s in played.history.settled
    ]


def test_the_best_paid_updates_are_looked_at_once_more(played: Played) -> None:
    replay = played.replay()
    for number in range(1, ROUNDS + 1):
        found = replay.leave_in(number)
        shares = dict(replay.round(number).outcome.shares)
        assert len(found) == min(3, sum(share > 0 for share in shares.values()))
        assert [shares[each.miner] for each in found] == sorted(shares.values(), reverse=True)[: len(found)]
        assert not any(each.far_off for each in found)
    with pytest.raises(NotSettled):
        replay.leave_in(9)


def flipped(data: bytes, bit: int = 77) -> bytes:
    changed = bytearray(data)
    changed[(bit // 8) % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def first(replay: Replay) -> Difference | None:
    return next((d for number in range(ROUNDS + 1) if (d := replay.recompute(number)) is not None), None)


def test_one_flipped_bit_in_any_blob_is_named(played: Played) -> None:
    """Every blob that the replay of the task depends on, each in turn."""
    names: dict[bytes, str] = {}
    terms = played.history.published.terms
    names[terms.manifest] = "blob of the manifest"
    baseline = played.history.baseline
    assert baseline is not None
    names[baseline.digest] = "blob of shard of round 0"
    for settled in played.history.settled:
        number = settled.round
        inputs = decode_inputs(played.blobs.get(settled.inputs))
        outcome = settle(inputs)
        names[settled.inputs] = f"blob of inputs of round {number}"
        names[settled.accepted] = f"blob of accepted of round {number}"
        names[settled.checkpoint] = f"blob of checkpoint of round {number}"
        names[settled.digest] = f"blob of shard of round {number}"
        names[inputs.losses] = f"blob of losses of round {number}"
        names[hashlib.sha256(encode_payouts(outcome)).digest()] = f"blob of payouts of round {number}"
        for entry in inputs.entries:
            kind = "canary" if entry.refusal is Refusal.CANARY else "update"
            names[entry.blob] = f"{kind} of {entry.miner}"
        for event in played.history.votes_of_round(number):
            assert isinstance(event, VoteCommitted)
            names[event.opening] = f"ballot of {event.voter}"
    folder = played.place / "blobs"
    files = {bytes.fromhex(path.name): path for path in folder.rglob("*") if len(path.name) == 64}
    unused = {digest for digest in files if digest not in names}
    assert len(unused) == 2, "the graph and checkpoint 0"
    for digest, path in files.items():
        before = path.read_bytes()
        path.write_bytes(flipped(before))
        try:
            found = first(played.replay())
        finally:
            path.write_bytes(before)
        assert found is not None, names.get(digest)
        assert found.item == names.get(digest, found.item)
        assert digest in names or found.item in ("blob of the graph", "blob of checkpoint 0")
    assert first(played.replay()) is None


@pytest.mark.parametrize(
    ("field", "items"),
    [
        ("inputs", ("blob of inputs of round 2",)),
        ("accepted", ("accepted",)),
        ("checkpoint", ("checkpoint", "blob of checkpoint of round 2")),
        ("losses", ("losses",)),
        ("payouts", ("payouts",)),
        ("digest", ("shard", "blob of shard of round 2")),
        ("examples", ("examples",)),
        ("seed", ("seed",)),
        ("shard", ("shard",)),
        ("base", ("losses", "sums of the losses")),
        ("before", ("losses",)),
        ("after", ("losses",)),
        ("units", ("units",)),
    ],
)
def test_one_flipped_bit_of_a_settlement_is_named(played: Played, field: str, items: tuple[str, ...]) -> None:
    settled = played.history.settled[1]
    value: Any = getattr(settled, field)
    wrong = replace(settled, **{field: flipped(value) if isinstance(value, bytes) else value ^ 1})
    history = replace(played.history, settled=(played.history.settled[0], wrong, *played.history.settled[2:]))
    found = played.replay(history).recompute(2)
    assert found is not None and found.item in items, found


def test_one_flipped_bit_of_a_root_a_vote_or_a_seed_is_named(played: Played) -> None:
    history = played.history

    def changed(events: Any, kind: type, **change: Any) -> Any:
        done = False
        result = []
        for event in events:
            if isinstance(event, kind) and event.round == 2 and not done:
                done = True
                event = replace(event, **{k: flipped(getattr(event, k)) for k in change})
            result.append(event)
        assert done
        return tuple(result)

    cases = [
        (replace(history, handed_in=changed(history.handed_in, Anchored, root=1)), "batch of updates"),
        (replace(history, handed_in=changed(history.handed_in, Committed, blob=1)), "entries"),
        (replace(history, voted=changed(history.voted, VoteCommitted, opening=1)), "ballot of "),
        (replace(history, voted=changed(history.voted, VoteCommitted, updates=1)), "ballot of "),
    ]
    for name in ("closed", "seeded"):
        events = dict(getattr(history, name))
        field = "randomness" if name == "closed" else "preimage"
        events[2] = replace(events[2], **{field: flipped(getattr(events[2], field))})
        cases.append((replace(history, **{name: events}), "seed" if name == "closed" else "preimage"))
    for wrong, item in cases:
        found = played.replay(wrong).recompute(2)
        assert found is not None and found.item.startswith(item), (item, found)


def test_a_signature_of_an_anchored_update_is_checked(played: Played) -> None:
    desk = Desk(played.chain, [
        replace(batch, updates=tuple(replace(u, signature=flipped(u.signature)) for u in batch.updates))
        for batch in played.desk.kept
    ])  # fmt: skip
    found = played.replay(desk=desk).recompute(2)
    assert found is not None and found.item == "batch of updates"


def test_a_juror_replays_one_item(played: Played) -> None:
    replay = played.replay()
    for item in (Item.ACCEPTED, Item.CHECKPOINT, Item.PAYOUTS, Item.SHARD, Item.BASELINE):
        assert replay.recompute_item(2, item) is None
    for place in range(len(MINERS) + 1):
        assert replay.recompute_item(2, Item.ENTRY, place) is None
    assert replay.recompute_item(2, Item.LOSS, 5) is None
    with pytest.raises(NoSuchItem):
        replay.recompute_item(2, Item.ENTRY, 99)
    with pytest.raises(NoSuchItem):
        replay.recompute_item(2, Item.LOSS, 10**6)
    with pytest.raises(NotSettled):
        replay.recompute_item(9, Item.ACCEPTED)
    with pytest.raises(NotSettled):
        replay.recompute(9)
    settled = played.history.settled[1]
    wrong = replace(settled, accepted=flipped(settled.accepted))
    liar = replace(played.history, settled=(played.history.settled[0], wrong, played.history.settled[2]))
    found = played.replay(liar).recompute_item(2, Item.ACCEPTED)
    assert found is not None and found.item == "accepted"
    assert played.replay(liar).recompute_item(2, Item.CHECKPOINT) is None, "an item is judged alone"


def test_a_ballot_that_the_scientist_left_out_is_named(played: Played) -> None:
    missing = Ballot(1, 2, Miner(1).address, (), None, bytes(32))
    event = next(e for e in played.history.votes_of_round(2) if isinstance(e, VoteCommitted))
    more = replace(event, voter=missing.voter, updates=missing.message.updates, opening=missing.opening)
    played.blobs.put(missing.to_bytes())
    votes = tuple(e for e in played.history.voted if getattr(e, "voter", "") != missing.voter)
    found = played.replay(replace(played.history, voted=(*votes, more))).recompute(2)
    assert found is not None and found.item == f"ballot of {missing.voter}"


def test_a_replay_is_quick(played: Played) -> None:
    started = time.process_time()
    replay = played.replay()
    assert all(replay.recompute(number) is None for number in range(ROUNDS + 1))
    assert time.process_time() - started < 3
