# Everything here needs Python 3.11 to 3.13 and nothing else installed by hand.
.DEFAULT_GOAL := help
.PHONY: help install train test test-quick test-all check bench clean-venv

# The first interpreter that is new enough; `make PYTHON=/path/to/python train` overrules it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.13 found"; echo "try: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (TensorFlow is about 600 MB; once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "make: this Python has no working venv module"; echo "try: install it (Debian: python3-venv) or another Python"; exit 2; }
	@PIP_CONSTRAINT=constraints.txt $(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@PIP_CONSTRAINT=constraints.txt $(PIP) --editable '.[dev]'
	@touch $@

install: $(VENV)/installed ## set up .venv with tbcli in it

train: install ## train on the bundled MNIST and keep the run here
	@$(BIN)/tbcli train

# Files are shared out among a few processes, each with a TensorFlow of its own: `make test JOBS=1` uses one.
# Without compiled files every one of them, and every process that a test starts, would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# One more than there are cores, for many tests wait for a process that they started; at most 4.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 3 ? n + 1 : 4)))
# The slow ones start processes themselves: no more at once than there are cores.
SLOW_JOBS ?= 2
PROFILE ?= dev
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --hypothesis-profile $(PROFILE)

test: $(VENV)/installed-dev ## run the tests (all but the slow and the browser ones); PROFILE=ci tries more examples
	@$(PYTEST)
	@echo "left out: the slow and the browser tests; run them all with: make test-all"

test-quick: $(VENV)/installed-dev ## run the tests that need no TensorFlow
	@$(PYTEST) -m 'not tf and not slow and not browser'

test-all: $(VENV)/installed-dev ## run every test; the browser ones need chromium and chromedriver
	@$(PYTEST)
	@$(BIN)/python -m pytest -n $(SLOW_JOBS) --dist loadfile -m 'slow or browser' --hypothesis-profile $(PROFILE)

check: $(VENV)/installed-dev ## format, lint and type checks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/installed-dev ## measure speed, each figure against a peer in the same run
	@$(BIN)/python -m tests.benchmarks $(BENCH)

clean-venv: ## remove .venv
	rm -rf $(VENV)
