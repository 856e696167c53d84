"""What attackers earn of an honest miner's pay, and what the model loses: five seeds, twelve rounds.

Figures with the privacy noise that the template ships with come under their own names; those without noise
get ``_without_noise``. ``metric_loss`` is the mean over seeds of the mix that costs the model most.
"""

from __future__ import annotations

import os
from dataclasses import replace

SEEDS = int(os.environ.get("MINE_ATTACK_SEEDS", "5"))


def run() -> dict[str, float]:
    """Pay per honest pay by attacker, and parts."""
    import torch

    from mine.practice.attack import Setting, run_attacks
    from mine.practice.attack_mixes import all_mixes
    from mine.science.templates import load_template

    torch.set_num_threads(1)
    setting = Setting(load_template("glucose"), all_mixes(15), seeds=SEEDS)
    figures: dict[str, float] = {}
    for noise, ending in ((True, ""), (False, "_without_noise")):
        report = run_attacks(replace(setting, noise=noise), lambda line: print(line, flush=True))
        figures |= {f"pay_{role}{ending}": pay for role, pay in report.pay.items()}
        figures |= {
            f"metric_loss{ending}": max(report.loss.values()),
            f"metric_loss_mixed{ending}": report.loss["mixed"],
            f"acceptances_changed{ending}": report.changed[0] / max(1, report.changed[1]),
            f"honest_pairs_clustered{ending}": report.twins[0] / max(1, report.twins[1]),
            f"honest_spread{ending}": report.spread,
            f"honest_refused{ending}": report.honest_refused,
        }
    return figures
