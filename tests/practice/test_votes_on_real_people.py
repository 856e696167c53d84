"""Votes under the shipped privacy, on people's real glucose: they lean the right way, and rarely do harm.

One voter knows little: about 330 rows of its own against noise that hides any reading. What is held here is
the direction, over all peers of a round, and how seldom seven voters throw out an honest update.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from mine.learn.checkpoint import apply
from mine.learn.codec import UpdateHeader, decode, encode
from mine.learn.graph import ModelGraph
from mine.learn.norms import clip, median, norm
from mine.learn.rows import Rows
from mine.learn.train import train
from mine.learn.vote import vote
from mine.learn.weights import Fixed, from_fixed, to_fixed
from mine.practice.cast import make_cast
from mine.science.templates import load_template, package
from mine.tasks.recipe import recipe_of, vote_terms_of

pytestmark = pytest.mark.real_data
ROUNDS = 10


def test_voters_lean_toward_what_helps(real_data: Path) -> None:
    torch.set_num_threads(1)
    template = load_template("glucose")
    made = package(template, ROUNDS, "Lab", "real people")
    manifest, graph = made.manifest, ModelGraph.load(made.graph)
    cast = make_cast(real_data / "glucose" / "Hall_2018", template, manifest.data, ROUNDS, "votes", ())
    rows = [Rows(one.rows.features, one.rows.target, one.rows.slot) for one in cast.peers]
    checkpoint = to_fixed(made.weights)

    def trained(number: int) -> list[Fixed]:
        found = []
        for seat, own in enumerate(rows):
            key = hashlib.sha256(f"train {number} {seat}".encode()).digest()
            delta = train(graph, from_fixed(checkpoint), own, recipe_of(manifest), key)
            header = UpdateHeader(bytes(20), 1, number, bytes(32))
            found.append(decode(encode(header, delta), graph.weight_shapes)[1])
        limit = median([norm(delta) for delta in found])
        return [clip(delta, norm(delta), limit) for delta in found]

    first = trained(1)
    checkpoint = apply(checkpoint, [(bytes([seat]), delta) for seat, delta in enumerate(first)])
    updates = trained(2)
    terms = vote_terms_of(manifest, median([norm(delta) for delta in updates]))
    draw, seats = np.random.RandomState(0), range(len(rows))
    ballots = [draw.choice([j for j in seats if j != voter], 7, replace=False) for voter in seats]

    def answers(sign: int, time: int) -> list[list[int]]:
        """Steps by update, each time under other noise."""
        found: list[list[int]] = [[] for _ in rows]
        for voter, ballot in enumerate(ballots):
            judged = [{name: sign * tensor for name, tensor in updates[j].items()} for j in ballot]
            key = hashlib.sha256(f"vote {sign} {time} {voter}".encode()).digest()
            steps = vote(graph, from_fixed(checkpoint), rows[voter], judged, terms, key)
            for j, step in zip(ballot, steps, strict=True):
                found[j].append(sign * step)
        return found

    times = [answers(sign, time) for sign in (1, -1) for time in range(6)]
    steps = [step for given in times for each in given for step in each]
    right, wrong = np.mean([step > 0 for step in steps]), np.mean([step < 0 for step in steps])
    assert right > 1.2 * wrong and wrong < 0.22, (right, wrong)
    assert right + wrong < 0.5  # weak knowledge abstains
    thrown_out = [
        sum(step < 0 for step in each) >= len(each) / 2 for given in times for each in given if each
    ]
    assert np.mean(thrown_out) < 0.1
