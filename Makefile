# One list of verbs; hooks and CI call these. `make run` and `make test` work from a fresh clone.
SHELL := /bin/bash
-include .make.local
PROFILE ?= release
VENV := .venv
PY := $(VENV)/bin/python
export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help run test install build translations format lint types rust check journeys e2e bench bench-ingest bench-certificates bench-linkage load load-suites proof docs lock bench-qr bench-pools

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.installed: requirements.txt scripts/install
	scripts/install
	@touch $@

install: $(VENV)/.installed ## Debian packages, uv, and the Python packages of requirements.txt

RUST := $(shell find core_rs -name '*.rs' 2>/dev/null) core_rs/Cargo.toml Cargo.toml
$(VENV)/.built: $(VENV)/.installed $(RUST)
	maturin develop --uv --skip-install --profile $(PROFILE) --quiet
	@touch $@

CATALOGUE := portal/translations/vi/LC_MESSAGES/messages.mo
$(CATALOGUE): $(wildcard portal/translations/*/*.po) scripts/compile-catalogues | $(VENV)/.installed
	$(PY) scripts/compile-catalogues

translations: $(CATALOGUE) ## merge and compile the message catalogues

VENDOR := portal/web/static/vendor/qrcode.mjs
$(VENDOR): package.json
	npm install --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --silent
	mkdir -p $(dir $@) && cp node_modules/qrcode-generator/dist/qrcode.mjs $@

build: $(VENDOR) $(VENV)/.built $(CATALOGUE) ## the native module and the catalogues

run: build ## set up, replay the demo province if the database is empty, serve
	$(PY) -m portal.cli run

test: build ## everything: unit, both databases, journeys, browser
	$(PY) -m pytest -n 2 --dist worksteal -q -m "not proof and not bench and not e2e"
	$(PY) -m pytest -n 2 --dist loadfile -q -m "e2e and not proof"

proof: build ## what takes long: 200 people scanned by keyboard, twenty seeds of worlds
	$(PY) -m pytest -q -m proof

format: install ## rewrite to the house style
	ruff format . && ruff check --fix-only --quiet . && cargo fmt

lint: install ## ruff, rustfmt, import layers
	ruff format --check . && ruff check . && cargo fmt --check && lint-imports

types: build ## mypy --strict
	mypy

rust: install ## clippy and the crate's own tests
	cargo clippy --all-targets --profile quick -- -D warnings
	cargo clippy --features python --profile quick -- -D warnings
	cargo test --profile quick --quiet

check: lint types rust test ## what CI runs

load: build ## a short load run through the real doors, with limits
	$(PY) -m pytest tests/journeys/test_load_smoke.py -q

load-suites: build ## the Locust suites on a million samples, SUITES="…" SECONDS_EACH=n choose
	$(PY) -m tests.benchmarks.load --seconds $(or $(SECONDS_EACH),60) $(SUITES)

bench-ingest: build ## plain FAB, a plain Flask route and ours, on both databases
	$(PY) -m tests.benchmarks.ingest.side_by_side

SIZE ?= 100000
SEED ?= 1
bench-linkage: build ## who is who: ours and Splink on SIZE synthetic people and on the public sets
	uv pip install --quiet --group bench
	$(PY) -m tests.benchmarks.linkage.run $(SIZE) $(SEED)
bench-qr: build ## the QR decoder beside the zxing-cpp and pyzbar wheels
	$(PY) -m tests.benchmarks.qr

bench-pools: build ## results to people: ours, polars and pandas on a million memberships
	uv pip install --quiet pandas==3.1.1 numpy==2.4.6
	$(PY) -m tests.benchmarks.pools.run

PAPERS ?= 5000
bench-certificates: build ## certificates: ours, WeasyPrint, typst and pyHanko; PAPERS of them into a ZIP
	uv pip install --quiet --group bench
	$(PY) -m tests.benchmarks.certificates.run $(PAPERS)

lock: ## resolve requirements.txt anew from pyproject.toml
	uv pip compile --quiet --no-header --no-annotate --group dev --python-version 3.11 --upgrade pyproject.toml -o requirements.txt
