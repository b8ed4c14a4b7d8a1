# make run: from a clean checkout to the studio at http://127.0.0.1:7860.  make test: everything that must hold.
# Needs make, Python 3.11 or newer, and a Python package index. All of it goes into .venv; rm -r .venv undoes it.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Another interpreter: make run PYTHON=/path/to/python
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$candidate; break; }; done)
# A stamp named after what was asked for: an unchanged list is not installed again.
RUN_STAMP := $(VENV)/.run-$(shell cksum < requirements.txt | tr ' ' '-')
DEV_STAMP := $(VENV)/.dev-$(shell cat requirements.txt requirements-dev.txt requirements-postgres.txt requirements-video.txt | cksum | tr ' ' '-')

.DEFAULT_GOAL := help
.PHONY: help run test check fmt models

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_STAMP) models ## install, fetch the models, serve the studio at 127.0.0.1:7860
	$(BIN)/python -m studio serve

test: $(DEV_STAMP) models check ## install, fetch the models, check style and types, run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(DEV_STAMP) ## check style, form and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

fmt: $(DEV_STAMP) ## put the code into form
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

models: $(RUN_STAMP) ## fetch the models that are not on this machine yet
	$(BIN)/python -m studio models fetch

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The virtual environment could not be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(RUN_STAMP): | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_STAMP): $(RUN_STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@rm -f $(VENV)/.dev-* && touch $@
