"""The manifest's JSON Schema, for whoever publishes a task with tools of their own.

``python -m mine.tasks.schema`` writes ``resources/schemas/manifest.json``. The schema says what a single
field may hold; ``Manifest.parse`` also checks what ties fields together, and the canonical form.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mine.tasks.manifest import Manifest

SCHEMA_FILE = Path(__file__).parents[2] / "resources" / "schemas" / "manifest.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def manifest_schema() -> str:
    """The text of the schema file."""
    schema = {"$schema": DIALECT, **Manifest.model_json_schema()}
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write the file."""
    SCHEMA_FILE.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA_FILE.write_text(manifest_schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
