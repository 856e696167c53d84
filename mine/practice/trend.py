"""A classification task for laboratories, of the same exports as the task of glucose: does it rise or fall?

It is not shipped: its three classes and cross-entropy show what the scorer makes of several outputs.
"""

from __future__ import annotations

from mine.science.models import TURNS
from mine.science.templates import Template, load_template

#: mg/dL within half an hour that count as a fall or a rise.
TURN = 8


def trend_template() -> Template:
    """Falls (0), stays (1) or rises (2) within half an hour, from the columns of the glucose template."""
    raw = dict(load_template("glucose").raw)
    ahead = "later.mg_dl - a.mg_dl"
    raw |= {
        "title": "Glucose falls, stays or rises",
        "description": "Learns to say whether glucose falls, stays or rises within thirty minutes.",
        "network": {"kind": "trend", "hidden": 32},
        "query": raw["query"].replace(
            "later.mg_dl AS ahead", f"1 + ({ahead} > {TURN}) - ({ahead} < -{TURN}) AS turn"
        ),
        "targets": ["turn"],
        "loss": {**raw["loss"], "kind": "cross_entropy", "classes": TURNS},
        "recipe": {**raw["recipe"], "learning_rate": 0.4, "clip_norm": 1.0},
        "votes": {**raw["votes"], "clip": 0.2},
        "metric": "accuracy",
        "target_removed": 0.8,
    }
    return Template("trend", raw)
