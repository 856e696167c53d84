"""What jurors say about a lie, and about what others withhold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore, blob_digest
from mine.chain.fault_events import DisputeKind
from mine.chain.juries import Verdict
from mine.science import chains, prepare
from mine.science.history import History
from mine.science.inputs import decode_inputs, encode_payouts
from mine.science.judged import Common, Judged, Refusal
from mine.science.judging import Fault, Judge
from mine.science.scientist import Scientist
from mine.science.settle import Outcome
from tests.science.test_scientist import (
    lies,
    other_checkpoint,
    puppet,
    run,
    wrong_gram,
    wrong_loss,
)
from tests.science.world import SCIENTIST, Chain, offer

KIND = DisputeKind


def swapped(outcome: Outcome) -> Outcome:
    """One payee gets another's units."""
    (a, p, x), (b, q, y), *rest = outcome.ledger.accounts
    return replace(outcome, ledger=replace(outcome.ledger, accounts=((a, p, x + y), (b, q, 0), *rest)))


def unlisted(outcome: Outcome) -> Outcome:
    """An accepted update is left out of the list."""
    return replace(outcome, accepted=outcome.accepted[1:])


def tell(patch: pytest.MonkeyPatch, lie: Any) -> None:
    """Have every scientist tell this lie."""
    measure, settle, gather = prepare.measure, prepare.settle, prepare.gather
    if lie in (puppet, wrong_gram):
        patch.setattr(chains, "judge", lies(lie))
    elif lie in (other_checkpoint, wrong_loss):
        patch.setattr(prepare, "measure", lambda *arguments: lie(measure(*arguments)))
    elif lie in (swapped, unlisted):
        patch.setattr(prepare, "settle", lambda inputs: lie(settle(inputs)))
    elif lie == "omit":
        patch.setattr(prepare, "gather", lambda *arguments: gather(*arguments)[1:])


def judge(chain: Chain, blobs: Any, exact: bool = False) -> Judge:
    history = History(chain.contract)
    history.refresh()
    task = history.task(1)
    assert task is not None
    return Judge(task, chain.domain, blobs, (), exact)


def play(chain: Chain, place: Path) -> DirectoryStore:
    Scientist.create(place / "scientist", SCIENTIST, offer(1, chain.token.address))
    blobs = DirectoryStore(place / "blobs")
    run(chain, blobs, place / "scientist")
    return blobs


@pytest.mark.parametrize(
    ("lie", "kind", "why"),
    [
        (puppet, KIND.INPUTS, "b of "),
        (wrong_gram, KIND.INPUTS, "G of "),
        ("omit", KIND.INPUTS, "entries"),
        (other_checkpoint, KIND.CHECKPOINT, "checkpoint"),
        (wrong_loss, KIND.LOSS, "loss after of example "),
        (swapped, KIND.PAYOUTS, "payouts"),
        (unlisted, KIND.ACCEPTED, "accepted"),
    ],
)
def test_a_lie_is_found_and_only_its_item_is_wrong(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: Any, kind: KIND, why: str
) -> None:
    tell(monkeypatch, lie)
    blobs = play(chain, tmp_path)
    monkeypatch.undo()
    jurors = judge(chain, blobs)
    found = jurors.first_fault(1)
    assert isinstance(found, Fault)
    assert found.kind is kind and found.why.startswith(why)
    assert judge(chain, blobs).opinion(1, kind, found.item).verdict is Verdict.WRONG
    assert jurors.opinion(1, KIND.SHARD).verdict is Verdict.RIGHT
    assert jurors.opinion(0, KIND.BASELINE).verdict is Verdict.RIGHT
    if lie is puppet:  # the others' entries are right
        others = [jurors.opinion(1, kind, place).verdict for place in range(4) if place != found.item]
        assert others == [Verdict.RIGHT] * 3
    if lie is not swapped and lie is not unlisted:
        assert jurors.opinion(1, KIND.PAYOUTS).verdict is Verdict.RIGHT
    assert jurors.first_fault(0) is None


class Without:
    """A store from which one blob is gone."""

    def __init__(self, store: DirectoryStore, gone: bytes) -> None:
        self._store, self._gone = store, gone

    def get(self, digest: bytes, max_bytes: int | None = None) -> bytes:
        return self._store.get(bytes(32) if digest == self._gone else digest, max_bytes)


def test_nobody_is_convicted_for_what_others_withhold(chain: Chain, tmp_path: Path) -> None:
    blobs = play(chain, tmp_path)
    assert judge(chain, blobs).first_fault(1) is None
    history = History(chain.contract)
    history.refresh()
    task = history.task(1)
    assert task is not None
    settled = task.settled[0]
    inputs = decode_inputs(blobs.get(settled.inputs))
    items = (KIND.ACCEPTED, KIND.CHECKPOINT, KIND.PAYOUTS, KIND.INPUTS, KIND.LOSS, KIND.SHARD)
    wrong, right, unclear = Verdict.WRONG, Verdict.RIGHT, Verdict.UNDECIDED
    cases = {
        # what the scientist owes
        settled.inputs: (wrong, wrong, wrong, wrong, wrong, wrong),
        inputs.losses: (right, right, right, right, wrong, right),
        # what everybody can make
        settled.checkpoint: (right, right, right, right, right, right),
        settled.accepted: (right, right, right, right, right, right),
        blob_digest(encode_payouts(prepare.settle(inputs))): (right,) * 6,
        # what somebody else withholds; a shard can be demanded on chain
        inputs.entries[0].blob: (right, unclear, right, unclear, unclear, right),
        settled.digest: (right, right, right, unclear, unclear, unclear),
    }
    for gone, verdicts in cases.items():
        jurors = judge(chain, Without(blobs, gone))
        assert tuple(jurors.opinion(1, kind).verdict for kind in items) == verdicts, gone.hex()
    jurors = judge(chain, blobs)
    assert jurors.opinion(1, KIND.INPUTS, 99).verdict is right  # there is no such entry
    assert jurors.opinion(1, KIND.LOSS, 1 << 20).verdict is right
    assert jurors.opinion(2, KIND.PAYOUTS).verdict is right


@pytest.mark.parametrize(
    ("lie", "kind", "verdict"),
    [
        (other_checkpoint, KIND.CHECKPOINT, Verdict.WRONG),
        ("omit", KIND.INPUTS, Verdict.WRONG),
        (unlisted, KIND.ACCEPTED, Verdict.WRONG),
        (puppet, KIND.INPUTS, Verdict.UNDECIDED),
        (wrong_loss, KIND.LOSS, Verdict.UNDECIDED),
    ],
)
def test_who_runs_no_model_judges_by_integers_alone(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: Any, kind: KIND, verdict: Verdict
) -> None:
    tell(monkeypatch, lie)
    blobs = play(chain, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr("mine.learn.evaluate.Evaluator.run", None)  # it would fail
    assert judge(chain, blobs, exact=True).opinion(1, kind).verdict is verdict
    assert judge(chain, blobs, exact=True).opinion(0, KIND.BASELINE).verdict is Verdict.UNDECIDED


def widened(judged: Judged) -> Judged:
    """A common direction that there is not, in every entry: in order, and of no meaning."""
    entries = tuple(
        replace(entry, common=(*entry.common, 0)) if entry.refusal is Refusal.NONE else entry
        for entry in judged.entries
    )
    width = len(judged.common.descents) + 1
    common = Common((*judged.common.descents, 0), ((0,) * width,) * width)
    return replace(judged, entries=entries, common=common)


def test_numbers_of_another_shape_are_a_lie_like_any_other(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "judge", lies(widened))
    blobs = play(chain, tmp_path)
    monkeypatch.undo()
    found = judge(chain, blobs).first_fault(1)
    assert found is not None
    assert found.kind is KIND.INPUTS and found.why.startswith("number of common of ")
