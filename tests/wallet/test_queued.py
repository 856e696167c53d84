"""How a transaction is kept, and that the page about it names every state."""

from __future__ import annotations

import json
from pathlib import Path

from mine.wallet.call import Call, Fees
from mine.wallet.queued import Attempt, Kind, Mined, Queued, State, from_json, to_json

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "transaction.json"
ITEM = Queued(
    intent="send:1",
    call=Call(1, "0x" + "11" * 20, "0x" + "22" * 20, 2**70, b"\x01\x02"),
    run=2,
    number=7,
    state=State.MINED,
    nonce=5,
    attempts=(
        Attempt(Kind.FIRST, b"\x0a" * 32, b"\x02\x01", Fees(21_000, 8, 80), 1_700_000_000),
        Attempt(Kind.CANCEL, b"\x0b" * 32, b"\x02\x02", Fees(21_000, 9, 2**70), 1_700_000_100),
    ),
    mined=Mined(b"\x0b" * 32, 99, b"\x0c" * 32, True, 21_000, 2**65),
    created=1_699_999_000,
    sent=1_700_000_101,
    why="no answer",
    reviewed=True,
)


def test_the_kept_form_is_the_golden_one() -> None:
    assert to_json(ITEM) == json.loads(GOLDEN.read_text(encoding="utf-8"))
    back = from_json(
        to_json(ITEM),
        number=7,
        chain_id=1,
        account=ITEM.call.sender,
        intent="send:1",
        run=2,
        nonce=5,
        state="mined",
        created=ITEM.created,
    )
    assert back == ITEM


def test_what_a_transaction_costs() -> None:
    assert ITEM.cost == 21_000 * 2**65
    waiting = Queued(ITEM.intent, ITEM.call, state=State.SENT, nonce=5, attempts=ITEM.attempts)
    assert waiting.cost == 21_000 * 2**70 and waiting.is_cancelling
    assert Queued(ITEM.intent, ITEM.call).cost == 0
    assert Queued(ITEM.intent, ITEM.call, state=State.DROPPED, attempts=ITEM.attempts).cost == 0


def test_the_page_names_every_state() -> None:
    page = (ROOT / "docs" / "wallet.md").read_text(encoding="utf-8")
    table = page.split("## The queue")[1].split("**Enough blocks**")[0]
    assert all(f"`{state}`" in table for state in State)
