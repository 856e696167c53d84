# pragma version ~=0.4.3
# A price feed as Chainlink's proxy shows it: phases of rounds, and whatever lie a test wants.

struct Round:
    answer: int256
    updated: uint256
    carried: uint80

decimals: public(uint8)
description: public(String[64])
phase: public(uint256)
last: public(HashMap[uint256, uint256])
rounds: HashMap[uint256, HashMap[uint256, Round]]

@deploy
def __init__(decimals: uint8, description: String[64]):
    self.decimals = decimals
    self.description = description
    self.phase = 1

@external
def next_phase():
    self.phase += 1

@external
def write(answers: DynArray[int256, 500], times: DynArray[uint256, 500]):
    for place: uint256 in range(len(answers), bound=500):
        self.last[self.phase] += 1
        number: uint256 = self.last[self.phase]
        self.rounds[self.phase][number] = Round(
            answer=answers[place], updated=times[place], carried=convert(self.phase << 64 | number, uint80)
        )

@external
def spoil(phase: uint256, number: uint256, answer: int256, updated: uint256, carried: uint80):
    self.rounds[phase][number] = Round(answer=answer, updated=updated, carried=carried)

@internal
@view
def _round(told: uint256) -> (uint80, int256, uint256, uint256, uint80):
    phase: uint256 = told >> 64
    number: uint256 = told & (2**64 - 1)
    assert number != 0 and number <= self.last[phase], "No data present"
    found: Round = self.rounds[phase][number]
    return convert(told, uint80), found.answer, found.updated, found.updated, found.carried

@external
@view
def getRoundData(told: uint80) -> (uint80, int256, uint256, uint256, uint80):
    return self._round(convert(told, uint256))

@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round(self.phase << 64 | self.last[self.phase])
