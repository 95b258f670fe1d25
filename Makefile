# Two commands: `make demo` and `make test`. Both set everything up first, in .venv, once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help setup demo test bench constraints

help: ## show these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile

setup: $(READY) ## create .venv and install the pinned project, unless that is done
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "CauGym needs Python 3.11 or newer, e.g. make PYTHON=python3.12 test")'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt torch==2.13.0 -e '.[train,dev]'
	@touch $@

demo: setup ## the main job: make problems, post-train the bundled model, measure it before and after
	$(BIN)/caugym demo

test: setup ## everything that must pass before a change is merged
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: setup ## how fast the parts are, beside other libraries where there are any
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

constraints: ## resolve the newest set that pyproject.toml allows, in a throw-away environment
	$(PYTHON) -m venv build/resolve
	build/resolve/bin/python -m pip install torch==2.13.0 -e '.[train,dev]'
	{ echo '# The whole set that `make setup` installs, exactly. Rewrite it with `make constraints`.'; \
	  build/resolve/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | LC_ALL=C sort -f; } > constraints.txt
