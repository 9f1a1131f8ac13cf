PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test lint bench clean
.DEFAULT_GOAL := help

help: ## say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(BIN)/.run: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(BIN)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(BIN)/.run

run: $(BIN)/.run ## run the service with the built-in sandbox and send it a first alert
	$(BIN)/python examples/first_alert.py

test: $(BIN)/.dev ## run every test whose real components are found
	$(BIN)/python -m pytest

lint: $(BIN)/.dev ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BIN)/.dev ## measure; see benchmarks/README.md
	$(BIN)/python -m benchmarks

clean: ## remove what was made here
	rm -rf $(VENV) data .pytest_cache .mypy_cache .ruff_cache .hypothesis
