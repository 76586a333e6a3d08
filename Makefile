# `make` lists the targets. Everything that is built or installed goes into the cache, outside the checkout.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export MODELMONITOR_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/modelmonitor
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)/sidecar:$(CURDIR)/testbed:$(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1

VENV := $(MODELMONITOR_CACHE)/venv-$(shell sha256sum requirements-dev.lock | cut -c1-12)
PYTHON := $(VENV)/bin/python
PYTEST := $(PYTHON) -m pytest
UV ?= uv

RING_APISERVER := tests/apiserver tests/chart
RING_CLUSTER := tests/cluster
RING_UNIT := $(filter-out $(RING_APISERVER) $(RING_CLUSTER) tests/fixtures tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: demo demo-down
demo: $(VENV)/.ready ## a cluster with simulated GPUs, a real Triton and a live table of what the monitors say
	@exec $(PYTHON) -m modelmonitor_testbed demo

demo-down: $(VENV)/.ready ## remove what `make demo` brought up
	@exec $(PYTHON) -m modelmonitor_testbed down

.PHONY: test test-unit test-apiserver test-cluster
test: lint test-unit test-apiserver test-cluster ## all checks: lint and the three rings

test-unit: $(VENV)/.ready ## ring 1: the pure core, and edges on loopback
	$(PYTEST) $(RING_UNIT)

test-apiserver: $(VENV)/.ready ## ring 2: a real API server and etcd, the real Helm; no node
	$(PYTEST) $(RING_APISERVER)

test-cluster: $(VENV)/.ready ## ring 3: a whole real node, images, chart, Triton, simulated GPUs; needs root
	$(PYTEST) $(RING_CLUSTER)

.PHONY: simulate-cost
simulate-cost: $(VENV)/.ready ## the ledger through 400 days, 1 000 crashes and an exact judge; fails where a goal is missed
	@exec $(PYTHON) -m modelmonitor_testbed.cost_simulation

.PHONY: lint
lint: $(VENV)/.ready ## format, lint, types, arrows between packages, derived files
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m generate --check

.PHONY: generate
generate: $(VENV)/.ready ## write the CRDs, the chart's copies and the reference pages from the code
	$(PYTHON) -m generate

.PHONY: bench
bench: $(VENV)/.ready ## the figures of benchmarks/, each with its baseline; fails where a goal is missed
	@exec $(PYTHON) -m benchmarks

.PHONY: dashboard-preview
dashboard-preview: $(VENV)/.ready ## draw the dashboards with the demo's answers, or PROMETHEUS=http://…; no Grafana needed
	@exec $(PYTHON) -m modelmonitor_testbed.preview $(if $(PROMETHEUS),--prometheus $(PROMETHEUS),--demo)

.PHONY: lock
LOCK := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet --upgrade \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
lock: ## choose the newest versions that pyproject.toml allows and write their hashes; needs uv
	@command -v $(UV) >/dev/null || { echo "missing: uv, which resolves versions: pip install uv, or set UV=path" >&2; exit 1; }
	$(LOCK) --extra operator -o operator/requirements.lock
	$(LOCK) --extra sidecar -o sidecar/requirements.lock
	$(LOCK) --extra dev -o requirements-dev.lock

$(VENV)/.ready:
	@.ci/venv "$(VENV)" requirements-dev.lock
