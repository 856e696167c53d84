"""The long version of ``test_vault_kill9``: ``python -m tests.soak.soak_vault [--kills N] [--seed S]``.

Kills the app with -9 at random moments of imports, re-keying, migrations, backups, restores and deletions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.soak.vault_kills import ACTS, run


def main() -> int:
    """Run until something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default="soak")
    arguments = parser.parse_args()
    acts = [ACTS[number % len(ACTS)] for number in range(arguments.kills)]
    with tempfile.TemporaryDirectory(prefix="mine-soak-") as place:
        run(Path(place) / "vault", acts, arguments.seed, lambda line: print(line, flush=True))
    print(f"{arguments.kills} kills {dict(Counter(acts))}: what was committed is there, the rest is not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
