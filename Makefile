# `make demo` and `make test` do all of their own set-up (scripts/setup.sh); `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
COMMAND ?= pick up the red cup
DEMO_ARGS ?= --out demo-out
PYTEST_ARGS ?= -n 2 --dist loadfile
EVAL_ARGS ?= --split test
TRAIN_ARGS ?=
BENCH_ARGS ?=
BENCH_ROS_ARGS ?=
BENCH_GRIT_ARGS ?=
BENCH_CAMERAS_ARGS ?=
BENCH_SERVE_ARGS ?=
BENCH_EXPORT_ARGS ?=
BENCH_PAPER_ARGS ?=

# One thread to each process: two test processes that fight over the cores are slower than one.
TEST_ENV := OMP_NUM_THREADS=1

.PHONY: help setup demo test test-slow test-oracle lint bench bench-ros bench-grit bench-paper bench-cameras bench-serve bench-serving bench-export eval train clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

setup: ## make .venv with the pinned packages (the targets below do it by themselves)
	@scripts/setup.sh

demo: setup ## see "the red cup", find it, pick it up: pictures in demo-out/
	@$(BIN)/kosmos-agent demo "$(COMMAND)" $(DEMO_ARGS)

test: lint ## ruff, mypy and the fast tests
	@$(TEST_ENV) $(BIN)/pytest $(PYTEST_ARGS)

test-slow: setup ## the tests marked slow
	@$(TEST_ENV) $(BIN)/pytest -m slow $(PYTEST_ARGS)

test-oracle: setup ## the arm told the true place lifts 95 of 100 things (minutes)
	@$(TEST_ENV) $(BIN)/pytest -m slow tests/test_oracle_rate.py

lint: setup ## ruff and mypy alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup ## ahead of transformers, by how much: docs/performance.md with its pictures (15 minutes; --quick: 2)
	@$(BIN)/python benchmarks/bench_performance.py $(BENCH_ARGS)

bench-ros: setup ## figures of the ROS nodes: latency, lost frames, cancel, memory, start (10 minutes; --quick: 1)
	@$(BIN)/python benchmarks/bench_ros.py $(BENCH_ROS_ARGS)

bench-grit: setup ## figures of GrIT: speed by stage, what is kept and how right, Ray (half an hour)
	@$(BIN)/python benchmarks/bench_grit.py $(BENCH_GRIT_ARGS)

bench-paper: setup ## pairs, GrIT, both stages of training on it, evaluation: small, an hour on one core
	@$(BIN)/python benchmarks/bench_paper.py $(BENCH_PAPER_ARGS)

bench-cameras: setup ## figures of many cameras in one process (3 minutes; more beside busy neighbours)
	@$(BIN)/python benchmarks/bench_cameras.py $(BENCH_CAMERAS_ARGS)

bench-serve: setup ## figures of the server: fleets, overload, a killed replica (1 to 2 minutes)
	@$(BIN)/python benchmarks/bench_serve.py $(BENCH_SERVE_ARGS)

bench-serving: ## both, with their tables in docs/serving.md (3 minutes)
	@$(MAKE) bench-cameras BENCH_CAMERAS_ARGS="--page --seconds 5 $(BENCH_CAMERAS_ARGS)"
	@$(MAKE) bench-serve BENCH_SERVE_ARGS="--page --seconds 8 $(BENCH_SERVE_ARGS)"

bench-export: setup ## processor time of a pass in torch, OpenVINO and ONNX Runtime, with its table in docs/export.md
	@$(BIN)/python benchmarks/bench_export.py --page $(BENCH_EXPORT_ARGS)

eval: setup ## score the embedded model on the test split
	@$(BIN)/kosmos-agent eval tabletop $(EVAL_ARGS)

train: setup ## train the embedded model (hours on a CPU)
	@$(BIN)/kosmos-agent train tabletop $(TRAIN_ARGS)

clean: ## remove .venv, caches and outputs
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist demo-out
