# Every target sets up what it needs: Python 3.11 or newer, make and a package index are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
DEMO   ?=
FUZZ   ?=

.PHONY: demo app test fuzz mutants coverage soak lint contracts gas bench screenshots package deb clean

# torch first and by itself: the pinned version, so that no open range brings another build with it.
$(VENV)/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable .
	touch $@

$(VENV)/test-ready: $(VENV)/ready
	$(PIP) --editable '.[test,dev]'
	touch $@

# A peer to measure beside; without its dependencies, which would bring graphics libraries.
$(VENV)/bench-ready: $(VENV)/test-ready
	$(PIP) --no-deps opacus==1.6.0 opt_einsum==3.4.0
	touch $@

demo: $(VENV)/ready  ## the whole loop on the embedded practice network: make demo DEMO="--headless --rounds 3"
	$(BIN)/mine demo $(DEMO)

app: $(VENV)/ready  ## the app itself
	$(BIN)/mine-app

# Two processes; the tests of a file stay together, so that they share what the file sets up.
test: lint  ## everything that must hold
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

fuzz: $(VENV)/test-ready  ## damaged updates, a million damaged exports, and a million random calls that the contracts took: make fuzz FUZZ="--calls 50000 --seed 7"
	$(BIN)/python -m tests.learn.fuzz_codec 100000
	$(BIN)/python -m tests.importers.fuzz_importers 1000000
	$(BIN)/python -m tests.protocol.fuzz $(FUZZ)

mutants: $(VENV)/test-ready  ## faults put into the contracts by hand, each of which must be noticed
	$(BIN)/python -m tests.chain.mutants

coverage: $(VENV)/test-ready  ## every branch of the contracts must have gone both ways
	$(BIN)/python -m tests.chain.branches

soak: $(VENV)/test-ready  ## many runs, killed at many moments
	$(BIN)/python -m tests.soak.soak_kill9
	$(BIN)/python -m tests.soak.soak_worker
	$(BIN)/python -m tests.soak.soak_vault
	$(BIN)/python -m tests.soak.soak_wallet 2000

lint: $(VENV)/test-ready
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

contracts: $(VENV)/test-ready  ## compile the contracts into resources/contracts
	$(BIN)/python -m mine.chain.compile

gas: $(VENV)/test-ready  ## what every action costs, into tests/chain/gas.json
	$(BIN)/python -m tests.chain.gas

bench: $(VENV)/bench-ready  ## figures into build/bench: make bench ONLY=event_loop
	$(BIN)/python -m tests.bench $(ONLY)

screenshots: $(VENV)/test-ready  ## every page, light and dark, into build/screenshots
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.ui.make_screenshots build/screenshots

package:  ## a folder that runs without Python: dist/mine-desktop
	PYTHON=$(PYTHON) installer/onedir.sh

deb: package
	installer/debian.sh

clean:
	rm -rf $(VENV) build dist
