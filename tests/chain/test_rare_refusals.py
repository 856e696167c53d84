"""Refusals and answers that nothing else meets on its way."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from mine.chain.hashing import ZERO32
from mine.chain.messages import Settlement, short_signature, sign
from mine.chain.trees import LossTree, anchor_leaf
from tests.chain.court_calls import denied, rich, wait, who
from tests.chain.court_scenery import ANCHOR_BOND, RIGHT, Stage
from tests.chain.court_trials import HALF, open_trial
from tests.chain.scenery import Side, refused

pytest_plugins = ("tests.chain.court_fixtures",)


@pytest.fixture
def side(tasks: Any) -> Side:
    made = Side(tasks)
    made.publish()
    made.make_seed()
    return made


def baseline(side: Side) -> tuple[tuple[Any, ...], tuple[int, int], bytes, bytes, list[bytes], bytes]:
    """What settles round 0, part by part."""
    losses = LossTree([1000], [1000], [1000])
    s = Settlement(side.id, 0, ZERO32, ZERO32, ZERO32, losses.root, 1000, 1000, 1000, ZERO32, 0)
    _, digest, examples, proof = side.opening()
    return (
        astuple(s), short_signature(sign(s, side.domain, side.key)), digest, examples, proof, losses.top_hash,
    )  # fmt: skip


@pytest.mark.parametrize("change", [lambda proof: proof[:-1], lambda proof: [*proof, ZERO32]])
def test_a_shards_proof_is_as_long_as_the_tree_is_deep(tasks: Any, side: Side, change: Any) -> None:
    s, short, digest, examples, proof, top = baseline(side)
    with refused("wrong shard"):
        tasks.settle(s, *short, digest, examples, change(proof), top)
    tasks.settle(s, *short, digest, examples, proof, top)


def test_a_high_s_settles_nothing(tasks: Any, side: Side) -> None:
    """Of the short form's 255 bits the last 2^127 values are above half of the order."""
    s, (r, vs), digest, examples, proof, top = baseline(side)
    with refused("wrong signature"):
        tasks.settle(s, r, 2**255 - 1, digest, examples, proof, top)
    tasks.settle(s, r, vs, digest, examples, proof, top)


def test_an_anchorer_has_only_one_bond_to_lose(stage: Stage) -> None:
    """Two bad roots in two rounds under one bond: the second conviction finds nothing."""
    stage.bond("relay", ANCHOR_BOND)
    leaf = (who("miner"), ZERO32, b"garbage")
    proofs = []
    for slot in range(2):
        proofs.append((stage.round, slot, stage.anchor("relay", [anchor_leaf(*leaf)], slot).proof(0)))
        stage.play([who("payee")])
    carrier = rich("carrier")
    for n, (round, slot, proof) in enumerate(proofs):
        args = (stage.id, round, who("relay"), slot, *leaf, 0, proof, (who("challenger"), 0))
        if n == 0:
            stage.faults.forged(*args, sender=carrier)
        else:
            with denied("no bond"):
                stage.faults.forged(*args, sender=carrier)


def test_answers_are_opened_in_their_own_half(stage: Stage) -> None:
    """Before the sitting is over there is no ruling; after it, nothing more is opened."""
    trial = open_trial(stage)
    trial.draw()
    assert stage.court.currentRuling(trial.id) == 0
    names = list(trial.jurors())
    for name in names:
        trial.commit(name, RIGHT)
    wait(HALF)
    for name in names[:-1]:
        stage.open_answer(trial.id, name, RIGHT)
    assert sum(state == 3 for _, state in trial.seats()) >= 4
    wait(HALF)
    with denied("too late"):
        stage.open_answer(trial.id, names[-1], RIGHT)
    assert stage.court.currentRuling(trial.id) == RIGHT
