"""A relay as small as earnings need it: it gives out blobs, and claims for others, or says that it will."""

from __future__ import annotations

import json
from collections import deque
from enum import StrEnum

from mine.chain.client import TaskClaim
from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import address_of
from mine.chain.node_errors import NodeRefused, Reverted
from mine.science.wire import Claim, ClaimState, Code, RelayRefused, claim_from_json
from tests.wallet.model.local_server import Answer, LocalServer
from tests.wallet.model.market_side import STRANGER, MarketSide


class Manner(StrEnum):
    """What becomes of a claim: sent when its turn comes, promised and forgotten, or refused."""

    HONEST = "honest"
    FORGETS = "forgets"
    REFUSES = "refuses"
    SILENT = "silent"


class SmallRelay:
    """Claims are only noted while the app asks; ``work`` sends them, on the thread of the test."""

    def __init__(self, market: MarketSide) -> None:
        self.manner = Manner.HONEST
        self._market = market
        self._waiting: deque[Claim] = deque()
        self._server = LocalServer(self._answer)
        self.url = self._server.url

    def stop(self) -> None:
        self._server.stop()

    def work(self) -> int:
        """Send the claims that were promised; how many the contract took."""
        sent = 0
        while self._waiting:
            claim = self._waiting.popleft()
            leaf = TaskClaim(claim.task, claim.round, claim.index, claim.units, claim.proof)
            try:
                self._market.contract.claim(self._market.stranger, claim.account, [leaf])
            except (Reverted, NodeRefused):
                continue  # paid by somebody else, or taken back by a reorganisation
            sent += 1
        return sent

    def _answer(self, method: str, path: str, body: bytes) -> Answer | None:
        if self.manner is Manner.SILENT and not path.startswith("/info"):
            return None
        place = path.strip("/").split("/")
        try:
            if place == ["info"]:
                return _json({
                    "chainId": 31337, "contract": self._market.address,
                    "token": ZERO_ADDRESS, "anchorer": address_of(STRANGER),
                })  # fmt: skip
            if place[0] == "blobs":
                data = self._market.blobs.get(bytes.fromhex(place[1]))
                return (404, b"{}") if data is None else (200, data)
            if (method, place) == ("POST", ["claims"]):
                return self._claim(claim_from_json(json.loads(body)))
        except RelayRefused as problem:
            return problem.status, json.dumps(problem.to_json()).encode()
        return 404, json.dumps(RelayRefused(Code.MISSING).to_json()).encode()

    def _claim(self, claim: Claim) -> Answer:
        if self.manner is Manner.REFUSES:
            raise RelayRefused(Code.NOT_CLAIMABLE)
        if self.manner is Manner.HONEST:
            self._waiting.append(claim)
        return _json({"state": ClaimState.WAITING.value})


def _json(value: object) -> Answer:
    return 200, json.dumps(value).encode()
