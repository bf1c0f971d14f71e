# Everything happens in .venv, which each target builds from nothing where it has to.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test docs bench experiments lint clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo    explain predictions of six models and write demo/index.html"
	@echo "make test    run the tests and the doctests"
	@echo "make lint    style, formatting and types"
	@echo "make docs    write the documentation to build/docs"
	@echo "make bench   measure limelight beside lime (some minutes)"
	@echo "make experiments   repeat the experiments of LIME's paper (some minutes)"
	@echo "make clean   remove everything that these targets make"

demo: $(VENV)/.installed-demo
	@$(VENV)/bin/limelight demo

test: $(VENV)/.installed-dev
	@$(VENV)/bin/python -m pytest -n auto --dist worksteal -rs

docs: $(VENV)/.installed-docs
	@rm -rf build/docs docs/_tutorials
	@$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@$(VENV)/bin/python docs/check_pages.py build/docs

bench: $(VENV)/.installed-dev $(VENV)/.installed-bench
	@$(VENV)/bin/python -m benchmarks

experiments: $(VENV)/.installed-dev
	@$(VENV)/bin/python -m experiments

lint: $(VENV)/.installed-dev
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) build dist demo docs/_tutorials .mypy_cache .ruff_cache .hypothesis .pytest_cache
	find src tests benchmarks experiments -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each extra. The version is read from __init__.py when the package is installed.
$(VENV)/.installed-%: pyproject.toml src/limelight/__init__.py
	@echo "Installing limelight[$*] into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --editable '.[$*]'
	@touch $@
