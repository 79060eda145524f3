# make run     install what is needed, start the worker here (ARGS="--listen tcp:5657 ..." is passed on)
# make test    install what is needed, run the tests       (ARGS="tests/test_names.py -x --numprocesses 0" is passed on)
# make test-fast  the quick ones, which start no program and wait for nothing: under a minute (ARGS is passed on)
# make test-oldest  those of the HTTP side and of PostgreSQL, with the oldest versions that setup.py admits (ARGS is passed on)
# make lint    ruff and mypy
# make simulate  run the store through histories of crashes and faults (ARGS="--seeds 500 --start 1", or --minutes 10)
# make bench   compare the worker's speed                  (ARGS is passed on; benchmarks/ says what there is)
# make screenshots  make the pictures of the page in docs/ anew; needs Chromium
# make audit   ask which of the packages that the worker needs have known vulnerabilities; needs the network (ARGS is passed on)
# make clean   remove what these made
#
# Needs python3 (3.11 or newer) with venv, and make. Node 20 or newer, if there, runs the tests with the real client.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NODE_TESTS := tests/node
NPM := npm
OLDEST := .venv-oldest
AUDIT := .venv-audit
AUDIT_PIP := $(AUDIT)/bin/python -m pip --disable-pip-version-check
# What depends most on the versions of what is installed: the HTTP side, the client, the settings, PostgreSQL, a start.
OLDEST_TESTS := tests/client tests/postgres/test_sealed_rows.py tests/protocol tests/site tests/test_bodies.py \
	tests/test_drop_in.py tests/test_gate.py tests/test_heads.py tests/test_health.py tests/test_healthcheck.py \
	tests/test_metrics.py tests/test_settings.py tests/test_slow_readers.py tests/daemon/test_start.py
ARGS ?=

# Where fast tests have their files, for a disk keeps them waiting: in memory, if there is a gigabyte of it for files. In
# a container there may not be.
MEMORY = $(shell df -BM --output=avail /dev/shm 2>/dev/null | awk 'int($$1) >= 1000 { print "/dev/shm" }')

# Tests wait for disks and programs: one process more than there are processors. The tests of a file stay in one process,
# and files come in any order: those with few tests, which take longest, would come last otherwise.
BESIDE = --numprocesses $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder --max-worker-restart 1

# An empty file in $(VENV) says that a set of dependencies is in; a change of setup.py makes it out of date.
NODE_PACKAGES := $(VENV)/installed-node
$(VENV)/installed-run: EXTRAS := [page]
$(VENV)/installed-test: EXTRAS := [test]
$(VENV)/installed-lint: EXTRAS := [test,bench,lint]
$(VENV)/installed-bench: EXTRAS := [bench]
$(VENV)/installed-proxies: EXTRAS := [test,proxies]
# All of them with one call of pip, for .ci/run: each call looks at everything again.
$(VENV)/installed-all: EXTRAS := [test,bench,lint,proxies]
$(VENV)/installed-all: CONTAINED := $(addprefix $(VENV)/installed-,test lint bench proxies)

# Without a target: what there is.
.PHONY: help run test test-fast test-oldest lint simulate bench screenshots audit clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(VENV)/installed-run
	exec $(BIN)/twistd --nodaemon --pidfile= sessionworker $(ARGS)

test: $(VENV)/installed-test $(NODE_PACKAGES)
	$(BIN)/python -m pytest $(BESIDE) $(ARGS)

test-fast: $(VENV)/installed-test
	PYTEST_DEBUG_TEMPROOT=$(MEMORY) $(BIN)/python -m pytest -m "not slow" --numprocesses auto \
		--override-ini tmp_path_retention_policy=failed --durations=10 --durations-min=1 $(ARGS)

test-oldest: $(OLDEST)/installed
	$(OLDEST)/bin/python -m pytest $(BESIDE) $(OLDEST_TESTS) $(ARGS)

lint: $(VENV)/installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

simulate: $(VENV)/installed-test
	$(BIN)/python -m tests.simulation $(ARGS)

bench: $(VENV)/installed-bench $(NODE_PACKAGES)
	$(BIN)/python -m benchmarks.run $(ARGS)

screenshots: $(VENV)/installed-test
	$(BIN)/python -m tests.page.screenshots

# An environment of its own, with the newest versions that setup.py admits: those that an image or an installation of
# today has. What asks is not among what is asked about. What cannot be asked about is a failure.
audit:
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT_PIP) install --quiet --editable ".[postgresql]"
	@$(AUDIT_PIP) freeze --exclude-editable > $(AUDIT)/installed.txt
	@$(AUDIT_PIP) install --quiet --editable ".[audit]"
	$(AUDIT)/bin/pip-audit --strict --requirement $(AUDIT)/installed.txt --no-deps --disable-pip $(ARGS)

clean:
	rm -rf $(VENV) $(OLDEST) $(AUDIT) build dist *.egg-info $(NODE_TESTS)/node_modules $(NPM)/node_modules $(NPM)/dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis twisted/plugins/dropin.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "sessionworker needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "No virtual environment could be made; on Debian: apt install python3-venv" >&2; exit 1; }

# The plugin cache is written at once: at a later start its folder may not be writable.
$(VENV)/installed-%: setup.py pyproject.toml | $(BIN)/python
	@echo "Installing sessionworker$(EXTRAS) into $(VENV) ..."
	@$(PIP) install --editable ".$(EXTRAS)"
	@$(BIN)/python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"
	@touch $@ $(CONTAINED)

$(OLDEST)/installed: setup.py pyproject.toml tests/oldest.py | $(BIN)/python
	@echo "Installing sessionworker with the oldest versions it takes into $(OLDEST) ..."
	@$(PYTHON) -m venv --clear $(OLDEST)
	@$(PYTHON) -m tests.oldest > $(OLDEST)/constraints.txt
	@$(OLDEST)/bin/python -m pip --disable-pip-version-check --quiet install \
		--constraint $(OLDEST)/constraints.txt --editable ".[test]"
	@touch $@

# The real client's packages. Without Node the tests that need it say so themselves: skipped, or failed where CI is set.
$(NODE_PACKAGES): $(wildcard $(NODE_TESTS)/package-lock.json $(NPM)/package-lock.json) | $(BIN)/python
	@if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then \
		echo "Installing the real client's packages into $(NODE_TESTS)/node_modules, and what $(NPM) is built with ..."; \
		npm ci --prefix $(NODE_TESTS) --no-audit --no-fund --loglevel=error && \
		npm ci --prefix $(NPM) --no-audit --no-fund --loglevel=error && touch $@; \
	else \
		echo "No npm with Node 20 or newer here: the tests with the real client are left out."; \
	fi
