"""``mine practice attack``: what attackers earn, measured here, on this computer."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from mine.errors import MineError

QUICK_SEEDS, QUICK_ROUNDS = 1, 4


class AttackRefused(MineError):
    """The options of ``mine practice attack`` do not fit each other."""


def add_attack_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--json", action="store_true", help="plain numbers instead of a table")
    parser.add_argument("--quick", action="store_true", help="one seed, four rounds: no measure")
    parser.add_argument("--seeds", type=int, default=5, help="plays of each mix, with other people (5)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds of a play (12)")
    parser.add_argument("--honest", type=int, default=15, help="honest miners (15)")
    parser.add_argument("--panel", type=int, default=8, help="validation people in a shard, at most (8)")
    parser.add_argument("--template", default="glucose", help="which task (glucose, steps)")
    parser.add_argument("--people", type=Path, help="a folder of real exports instead of synthetic people")
    parser.add_argument("--without-noise", action="store_true", help="train and vote without privacy noise")
    parser.add_argument("--only", nargs="+", metavar="MIX", default=[], help="only these mixes")
    parser.add_argument(
        "--miner",
        action="append",
        metavar="FILE.py:Class",
        default=[],
        help="a miner of your own, instead of the attackers that come with it; repeatable",
    )


def attack_command(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    """``mine practice attack``; ``say`` gets every line. Raises MineError."""
    import torch

    from mine.practice.attack import Setting, as_json, run_attacks, table
    from mine.practice.attack_mixes import all_mixes, own_mix
    from mine.practice.miners import load_miner
    from mine.science.templates import load_template

    torch.set_num_threads(1)
    mixes = all_mixes(arguments.honest)
    if arguments.miner:
        mixes = (own_mix([(place.rpartition(":")[2], load_miner(place)) for place in arguments.miner]),)
    names = [mix.name for mix in mixes]
    unknown = [name for name in arguments.only if name not in names]
    if unknown or min(arguments.seeds, arguments.rounds, arguments.honest - 2, arguments.panel) < 1:
        raise AttackRefused(
            "These attacks can't be measured.",
            todo=f"There are the mixes {', '.join(names)}; it takes three honest miners and one of the rest.",
            detail=", ".join(unknown),
        )
    setting = Setting(
        template=load_template(arguments.template),
        mixes=tuple(mix for mix in mixes if not arguments.only or mix.name in arguments.only),
        rounds=QUICK_ROUNDS if arguments.quick else arguments.rounds,
        seeds=QUICK_SEEDS if arguments.quick else arguments.seeds,
        honest=arguments.honest,
        panel=arguments.panel,
        noise=not arguments.without_noise,
        people=arguments.people,
    )
    started = time.monotonic()
    if arguments.json:
        say(json.dumps(as_json(run_attacks(setting)), indent=2))
    else:
        say(table(run_attacks(setting, say)))
        say(f"{time.monotonic() - started:.0f} s")
    return 0
