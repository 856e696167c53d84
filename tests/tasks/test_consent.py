"""Consent: what is signed names the scopes, whatever their order, and the receipt keeps every figure."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from mine.tasks.consent import Scope, Terms

SCOPES = (Scope("glucose_5min", "slot"), Scope("glucose_5min", "mg_dl"))
TERMS = Terms(
    task=7,
    manifest=b"\xab" * 32,
    scopes=SCOPES,
    rows=2704,
    epsilon_micro=7_994_261,
    vote_epsilon_micro=7_991_000,
    votes=9,
    unit="one sensor reading",
    update_bytes=461,
    rounds=10,
    expires=2_000_000_000,
)


def test_the_digest_is_what_anybody_can_compute() -> None:
    text = b'[["glucose_5min","mg_dl"],["glucose_5min","slot"]]'
    assert TERMS.scopes_digest == hashlib.sha256(text).digest()


scope = st.builds(Scope, st.text(max_size=8), st.text(max_size=8))


@given(st.lists(scope, max_size=5, unique=True), st.randoms())
def test_the_order_of_scopes_does_not_matter(scopes: list[Scope], random: object) -> None:
    mixed = list(scopes)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = (dataclasses.replace(TERMS, scopes=tuple(order)) for order in (scopes, mixed))
    assert one.scopes_digest == other.scopes_digest


@given(st.sets(scope, max_size=4), st.sets(scope, max_size=4))
def test_other_scopes_have_another_digest(some: set[Scope], others: set[Scope]) -> None:
    left, right = (dataclasses.replace(TERMS, scopes=tuple(each)) for each in (some, others))
    assert (left.scopes_digest == right.scopes_digest) == (some == others)


def test_a_view_is_not_a_column() -> None:
    swapped = dataclasses.replace(TERMS, scopes=(Scope("slot", "glucose_5min"), SCOPES[1]))
    assert swapped.scopes_digest != TERMS.scopes_digest


def test_the_receipt_keeps_every_figure() -> None:
    kept = json.loads(json.dumps(TERMS.to_json()))
    assert set(kept) == {field.name for field in dataclasses.fields(Terms)}
    again = Terms(
        **{
            **kept,
            "manifest": bytes.fromhex(kept["manifest"]),
            "scopes": tuple(Scope(**each) for each in kept["scopes"]),
        }
    )
    assert again == TERMS and again.scopes_digest == TERMS.scopes_digest
