# segue: `make demo` and `make test` set up what they need in .venv and run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out

# One thread a process: more make networks of this size slower.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help demo test bench docs clean

help:
	@echo "make demo   compose a tune and cut a real film to it (FOOTAGE=film-or-folder for your own; OUT=folder)"
	@echo "make test   linters, types, layers, tests, and the wheel in a fresh environment"
	@echo "make bench  speed beside peers, and what agents reach (an hour; writes docs/results)"
	@echo "make docs   write the generated parts of the documentation, and build it as a site in site/"
	@echo "make clean  remove what the other targets made"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "segue needs Python 3.10 or newer; name one by make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@# Only its network is used, not the TensorFlow that it asks for; see docs/how-to-hear.md.
	$(BIN)/python -m pip install --quiet --no-deps basic-pitch==0.4.0
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --no-warn-conflicts -r requirements-test.txt
	@# Checkers that read files need the packages under their installed names.
	@mkdir -p .links/segue
	@for part in rewards envs agents experiments; do ln -sfn ../../$$part .links/segue/$$part; done
	@touch $@

demo: $(VENV)/.run
	$(BIN)/segue demo --out $(OUT)

test: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist loadfile
	$(BIN)/python tests/wheel.py

bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --no-warn-conflicts envpool || echo "envpool cannot be had here; its row is left out"
	$(BIN)/segue bench stepping rendering audio analysis training counterpoint rl-tuner --out docs/results

docs: $(VENV)/.test
	$(BIN)/python -m segue.experiments.documentation
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees docs site
	@echo "open site/index.html"

clean:
	rm -rf $(VENV) .links build dist site docs/api *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
