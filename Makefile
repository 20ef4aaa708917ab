# Everything a fresh clone needs: `make demo`, `make test`. Both set up what is missing first.
SHELL := /bin/bash
VENV ?= .venv
# The first Python >= 3.11 that really runs (version managers leave stubs that do not).
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# Any torch >= 2.4 serves; name a CPU or CUDA build here.
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin
# Each test process has a core to itself.
ONE_THREAD := OMP_NUM_THREADS=1

# How many random graphs `make fuzz` runs, from which seed on.
N ?= 1000
SEED ?= 0

.PHONY: demo test test-slow fuzz lint format bench setup lava clean help

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: setup  ## compare all engines in both domains, write a report below runs/
	$(BIN)/hebbgraph demo

test: setup  ## run the tests, on all cores
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --dist worksteal

test-slow: setup  ## run the tests that compile or take minutes, too
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --dist worksteal -m "not exhaustive"

fuzz: setup  ## N=10000 random graphs on every engine; what fails is kept in runs/fuzz
	$(BIN)/python -m tests.fuzz --graphs $(N) --seed $(SEED)

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## time our back ends against plain scripts and emulators, as ratios
	$(BIN)/python benchmarks/recall_speed.py
	$(BIN)/python benchmarks/fixed_speed.py
	$(BIN)/python benchmarks/plastic_speed.py
	$(BIN)/python benchmarks/forward_speed.py

setup: $(VENV)/.ready lava  ## create the environments

$(VENV)/.ready: pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "hebbgraph needs Python >= 3.11; install one or call make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" -e ".[dev]"
	@touch $@

# The Lava worker's own environment. Without a Python 3.10 this says so in one line, Lava is
# reported unavailable, and the rest runs.
lava: $(VENV)/.ready
	@$(BIN)/python -m hebbgraph.backends.lava.environment || test $$? -eq 3

clean:  ## remove the environments and caches (runs/ stays)
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
