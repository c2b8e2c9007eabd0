# Needs Python 3.11 or newer and make; everything else comes from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: build setup test lint check golden bench docs lock
.DEFAULT_GOAL := build

build: setup ## build every params/<env>.yaml into out/<env>/
	$(BIN)/python build.py

setup: $(READY) ## prepare .venv

# The stamp is written last: a setup that was cut short is done again, from the start.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Moorage needs Python 3.11 or newer: make PYTHON=python3.11" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: setup ## every test
	$(BIN)/python -m pytest

lint: setup ## the part of the gate that is not tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python build.py check

check: lint test ## the gate

golden: setup ## write anew what the tests compare with; then read the diff
	$(BIN)/python -c "import glob, sys; from moorage.cli import main; sys.exit(max((main(['build', '--params', case + 'params', '--out', case + 'out'], 'templates') for case in sorted(glob.glob('tests/golden/*/'))), default=0))"
	UPDATE=1 $(BIN)/python -m pytest -q tests/test_errors.py

bench: setup ## what builds, rules and health sidecars cost
	$(BIN)/python bench/build.py
	$(BIN)/python bench/rules.py
	$(BIN)/python bench/sidecar.py

docs: setup ## the generated documents
	$(BIN)/python build.py schema > docs/params.schema.json
	$(BIN)/python build.py schema --format markdown > docs/params.md
	$(BIN)/python build.py explain --format markdown rules > docs/rules.md
	$(BIN)/python build.py explain --format markdown findings > docs/findings.md

lock: setup ## renew requirements.lock with the newest versions that setup.cfg allows
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --extra dev \
		--strip-extras --allow-unsafe --generate-hashes --no-emit-options \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock setup.cfg
