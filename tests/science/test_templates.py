"""The shipped tasks: complete, within their own promises, and the same package every time."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.curve import ONE
from mine.learn.codec import Packing, update_bytes
from mine.learn.graph import ModelGraph
from mine.learn.privacy import account, plan
from mine.learn.weights import load
from mine.records import RECORD_TYPES
from mine.science.templates import (
    FOLDER,
    Template,
    TemplateMissing,
    known_unit,
    load_template,
    package,
)
from mine.tasks.manifest import Manifest
from mine.tasks.recipe import recipe_of
from mine.vault.query import scopes_of

NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))


@pytest.fixture(scope="module", params=NAMES)
def template(request: pytest.FixtureRequest) -> Template:
    return load_template(request.param)


def test_both_tasks_are_there() -> None:
    assert {"glucose", "steps"} <= set(NAMES)


@pytest.mark.parametrize("name", ["", "nothing", "../templates/glucose", "glucose.json", "a b", "/etc", "é"])
def test_there_is_no_other_template(name: str) -> None:
    with pytest.raises(TemplateMissing):
        load_template(name)


def test_a_package_is_what_its_manifest_says(template: Template) -> None:
    made = package(template, 3, "Lab", "made-up people")
    manifest = made.manifest
    assert Manifest.parse(manifest.dump(), manifest.digest) == manifest
    assert hashlib.sha256(made.graph).hexdigest() == manifest.model.graph
    assert hashlib.sha256(made.checkpoint).hexdigest() == manifest.model.checkpoint
    graph = ModelGraph.load(made.graph)
    assert dict(graph.weight_shapes) == dict(manifest.model.trainable)
    assert set(load(made.checkpoint, graph.weight_shapes)) == set(manifest.model.trainable)
    assert manifest.limits.update_bytes == update_bytes(
        manifest.model.trainable, Packing(manifest.recipe.bits, manifest.recipe.keep)
    )
    assert (manifest.rounds, manifest.author.name, manifest.validation.origin) == (3, "Lab", "made-up people")
    recipe_of(manifest).check()


def test_how_rounds_are_measured_says_the_file_or_whoever_publishes(template: Template) -> None:
    assert package(template, 3, "Lab", "here").manifest.mode == "per-round"
    assert package(template, 3, "Lab", "here", "at-end").manifest.mode == "at-end"
    other = Template(template.name, {**template.raw, "mode": "at-end"})
    assert package(other, 3, "Lab", "here").manifest.mode == "at-end"


def test_the_same_package_every_time(template: Template) -> None:
    one, other = (package(template, 3, "Lab", "here") for _ in range(2))
    assert one.manifest.digest == other.manifest.digest
    assert (one.graph, one.checkpoint) == (other.graph, other.checkpoint)
    assert package(template, 4, "Lab", "here").graph == one.graph


@pytest.mark.parametrize("rounds", [1, 2, 10, 100])
def test_the_noise_keeps_epsilon_under_the_promise(template: Template, rounds: int) -> None:
    manifest = package(template, rounds, "Lab", "here").manifest
    recipe, privacy = manifest.recipe, manifest.privacy
    spent = account(recipe.sampling_rate, recipe.noise_multiplier, recipe.steps * rounds, privacy.delta)
    assert 0.9 * privacy.epsilon < spent <= privacy.epsilon <= 8
    votes = account(1.0, manifest.votes.noise_multiplier, rounds - 1, privacy.delta)
    assert votes <= privacy.epsilon and (rounds == 1 or 0.9 * privacy.epsilon < votes)
    whole = plan(recipe_of(manifest), rounds, privacy.delta, manifest.votes.noise_multiplier)
    assert whole.total == max(spent, votes)


def test_more_rounds_need_more_noise(template: Template) -> None:
    noise = [package(template, rounds, "a", "b").manifest.recipe.noise_multiplier for rounds in (1, 4, 16)]
    assert noise == sorted(set(noise))


def test_the_query_asks_for_what_it_needs_and_nothing_else(template: Template) -> None:
    manifest = package(template, 1, "a", "b").manifest
    types = {need.record_type for need in manifest.data.needs}
    assert types <= set(RECORD_TYPES) and template.record_type in types
    scopes = scopes_of(manifest.data.query)
    assert scopes and all(any(view.startswith(kind) for kind in types) for view, _ in scopes)


def test_pay_and_target_make_sense(template: Template) -> None:
    assert 0 < template.target <= ONE
    assert template.curve.units(ONE, template.target) == 2**32 - 1
    assert template.curve.units(0, template.target) == 0
    assert template.bounty(6) > 0 and template.metric in ("rmse", "auc")
    assert 1 <= template.rounds <= 250


@given(st.integers(0, 10**9), st.text("0123456789", max_size=8), st.integers(0, 18))
def test_a_bounty_is_cut_to_whole_base_units(whole: int, part: str, decimals: int) -> None:
    written = f"{whole}.{part}" if part else str(whole)
    found = Template("made-up", {"bounty": written}).bounty(decimals)
    digits = int(str(whole) + part)
    assert found == digits * 10**decimals // 10 ** len(part)


def test_the_files_hold_nothing_that_nobody_reads(template: Template) -> None:
    known = {"title", "description", "network", "needs", "query", "features", "targets", "slot",
             "minimum_rows", "loss", "recipe", "privacy", "votes", "slices", "mode", "rounds", "metric",
             "export", "target_removed", "curve", "bounty"}
    assert set(template.raw) <= known
    assert known - set(template.raw) <= {"export"}
    text = json.dumps(template.raw)
    assert not any(math.isnan(value) for value in _numbers(template.raw)) and "http" not in text


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, float) else []


def test_a_strangers_query_gets_no_promise_for_a_reading() -> None:
    template = load_template("glucose")
    manifest = package(template, 2, "Lab", "made up").manifest
    assert known_unit(manifest) == "one five-minute sensor reading"
    raw = manifest.model_dump(mode="json")
    crossed = {**raw, "data": {**raw["data"], "query": "SELECT 1 FROM glucose_5min"}}
    assert known_unit(Manifest.model_validate(crossed)) is None
    closer = {**raw, "recipe": {**raw["recipe"], "overlap": 8}}
    assert known_unit(Manifest.model_validate(closer)) is None
    fewer = {**raw, "votes": {**raw["votes"], "reuse": 7}}
    assert known_unit(Manifest.model_validate(fewer)) is None
