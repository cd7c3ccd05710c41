# Every target says what it does: `make` or `make help` lists them.
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
BIN := .venv/bin
PROCESSES ?= 2
# Made anew when the lock or the package's own metadata changes.
READY := .venv/ready

.PHONY: up
up: $(READY) ## A local government cloud with every agency in it: control plane, then tenants
	$(BIN)/gdcc cluster up
	$(BIN)/gdcc up --stack local --yes
	@echo
	@echo 'Look at it:'
	@echo '  eval "$$($(BIN)/gdcc cluster env)"'
	@echo '  kubectl get namespaces --label-columns gdcc.go.th/agency,gdcc.go.th/environment,gdcc.go.th/zone'

.PHONY: down
down: $(READY) ## Stop the local control plane; its data stays (gdcc cluster down --purge removes it)
	$(BIN)/gdcc cluster down

.PHONY: test
test: $(READY) ## Every test, on a real control plane; what cannot run says why
	@# What is measured has the machine for itself; the other tests are shared by processes (tests/sharing.py).
	@status=0; \
	$(BIN)/pytest tests/bench || status=$$?; \
	$(BIN)/pytest -n $(PROCESSES) --ignore tests/bench || status=$$?; \
	exit $$status

.PHONY: check
check: $(READY) ## Formatting, lint, types, stack files and their schemas; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/gdcc schema --check
	$(BIN)/gdcc validate

.PHONY: bench
bench: $(READY) ## Ratios measured in one run on this machine (tests/bench)
	$(BIN)/pytest -m bench -s

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@
