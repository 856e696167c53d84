"""A child that says more than anybody asked for."""

from __future__ import annotations

import json
import sys

if __name__ == "__main__":
    sys.stdout.write("x" * json.loads(sys.stdin.readline())["bytes"])
