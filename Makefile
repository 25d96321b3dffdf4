# The commands of the book. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
READY_TEST := $(VENV)/ready-test
READY_DEV := $(VENV)/ready-dev
BENCH ?= .venv-bench
READY_BENCH := $(BENCH)/ready

# Read by tools/: which chapters, how many seeds, how many processes (0: one per core).
export CHAPTERS ?= chapters/*.ipynb
export SEEDS ?= 20
export JOBS ?= 0

.DEFAULT_GOAL := help
.NOTPARALLEL:  # `make -j test` must not install while notebooks run
.PHONY: help book test pdf lab notebooks seeds bench lint clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

book: $(READY) ## execute every notebook and build _build/html/index.html
	$(BIN)/python tools/build.py

test: book $(READY_TEST) ## the book without warnings, the unit tests, and nbval over every notebook
	$(BIN)/pytest --nbval-lax --nbval-sanitize-with=tools/nbval_sanitize.cfg tests chapters

pdf: book $(READY_TEST) ## the whole book as one PDF, in _build/pdf/ (needs Chromium)
	$(BIN)/python tools/pdf.py

lab: $(READY_DEV) ## JupyterLab on the chapters
	$(BIN)/jupyter lab chapters

notebooks: $(READY) ## execute the chapters, strip them, refresh the stored claims (CHAPTERS=…)
	$(BIN)/python tools/notebooks.py

seeds: $(READY) ## do the claims hold for every seed? (SEEDS=20 CHAPTERS='07*' VALUES=1)
	$(BIN)/python tools/seeds.py $(if $(VALUES),--values)

bench: $(READY_BENCH) ## speed and memory beside the peers, in an environment of its own (25 minutes)
	$(BENCH)/bin/python -m benchmarks

lint: $(READY_DEV) ## what pre-commit would say: ruff, and outputs stripped
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/notebooks.py --verify

clean: ## forget what was built: pages, executed notebooks, runs over seeds
	rm -rf _build .seeds .pytest_cache .hypothesis .ruff_cache

# A stamp, so that installing costs nothing when nothing changed. Matplotlib's first import is slow and says so: here,
# not in a chapter. A kernel warns at each start that it talks to its own machine unencrypted: once a notebook is much.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("PYTHON=$(PYTHON) is Python %d.%d; the book needs 3.11 or later: make PYTHON=python3.12 …" % v[:2])'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -c 'import matplotlib.font_manager'
	@mkdir -p $(VENV)/etc/ipython && echo 'c.IPKernelApp.log_level = "ERROR"' > $(VENV)/etc/ipython/ipython_kernel_config.py
	@touch $@

$(READY_TEST): $(READY) requirements-test.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-test.txt
	@touch $@

$(READY_DEV): $(READY) requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(READY_BENCH): benchmarks/requirements.txt pyproject.toml
	test -x $(BENCH)/bin/pip || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@
