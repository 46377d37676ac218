# Everything that can be done with this project, one line each: `make help`.
# All that is built or fetched lies below build/, which git ignores.

PYTHON := build/venv/bin/python
PYTEST := build/venv/bin/pytest -q
# As root, or by sudo; what is then made in build/ is given back.
ROOT   := $(if $(filter 0,$(shell id -u)),,sudo env CI=$(CI) PYTHONDONTWRITEBYTECODE=1)
RETURN := $(if $(ROOT),$(ROOT) chown -R $(shell id -u):$(shell id -g) build,@:)
# Two guests side by side where there are two cores: each is emulated by one thread or two.
GUESTS ?= 2

export PYTHONDONTWRITEBYTECODE := 1
export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint unit native initramfs vm soak bench ramdisk demo-image docs lock clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: setup ramdisk demo-image  ## install a Debian in a virtual machine, before your eyes
	$(PYTHON) -m tests.vm.demo

test: check ramdisk demo-image  ## everything: lint, types, unit, native, virtual machines
	$(MAKE) --no-print-directory -j 2 native initramfs
	$(PYTEST) -n $(GUESTS) --dist worksteal --durations 12 tests/vm

check: setup lint unit  ## what every commit must pass, in less than two minutes

lint: setup      ## style, types, direction of imports
	build/venv/bin/ruff check
	build/venv/bin/ruff format --check
	build/venv/bin/mypy
	build/venv/bin/lint-imports --no-logo --cache-dir build/import-linter

unit: setup      ## tests that touch nothing
	$(PYTEST) -n 2 tests/contract tests/unit

native: setup    ## tests with loop devices, chroots and servers on loopback; needs root
	$(ROOT) $(PYTEST) -n 2 --dist worksteal tests/native
	$(RETURN)

# Beside the native tests, which wait half of their time, and so it says what it has to say at its end.
initramfs: setup ## tests of the ramdisk's build
	@echo "--- tests of the ramdisk's build, two minutes; what they say follows them"
	@$(PYTEST) tests/initramfs > build/initramfs-tests.txt 2>&1; \
	status=$$?; cat build/initramfs-tests.txt; exit $$status

vm: setup ramdisk demo-image  ## tests in virtual machines
	$(PYTEST) -n $(GUESTS) --dist worksteal --durations 12 tests/vm

soak: setup ramdisk demo-image  ## the long seeded matrices; hours
	env HAMMER_SOAK=1 $(PYTEST) tests/unit -m soak
	$(ROOT) env HAMMER_SOAK=1 $(PYTEST) tests/native -m soak
	$(RETURN)
	env HAMMER_SOAK=1 $(PYTEST) tests/vm -m soak

bench: setup ramdisk demo-image  ## stream and check beside shell pipelines, slow consoles; needs root
	$(PYTHON) -m tests.bench.bench_check
	$(PYTHON) -m tests.bench.bench_console
	$(ROOT) $(PYTHON) -m tests.bench.bench_stream
	$(RETURN)

ramdisk: setup   ## kernel and initramfs, in build/ramdisk
	$(PYTHON) initramfs/build --out build/ramdisk

demo-image: setup  ## a small real Debian, in build/demo-image
	$(ROOT) tests/demo_image/build
	$(RETURN)

docs: setup      ## the pages that are made from the code
	$(PYTHON) -m tests.errors_page > docs/errors.md
	$(PYTHON) -m tests.rules_page > docs/image-rules.md
	$(PYTHON) -m contract.reference docs/contract.md

setup: build/.venv  ## what the other targets need: Debian packages and a Python environment

build/.packages: tests/packages
	@mkdir -p build
	@echo "--- Debian packages that are missing:"
	@missing=$$(sed 's/#.*//' tests/packages | xargs -n1 | while read -r name; do \
	  dpkg-query -W -f='$${Status}' "$$name" 2>/dev/null | grep -q 'ok installed' || echo "$$name"; done); \
	echo $${missing:-none}; \
	if [ -n "$$missing" ]; then \
	  $(ROOT) apt-get -q update && \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $$missing; \
	fi
	@touch $@

build/.venv: tests/requirements.lock pyproject.toml build/.packages
	@echo "--- Python environment in build/venv"
	/usr/bin/python3 -m venv build/venv
	build/venv/bin/pip install -q --disable-pip-version-check --require-hashes -r tests/requirements.lock
	build/venv/bin/pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

# The locks hold versions and hashes and no word on where packages were found.
LOCK := build/venv/bin/pip-compile -q --upgrade --generate-hashes --strip-extras --no-header \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: setup      ## the newest versions into the locks
	$(LOCK) --extra agent -o initramfs/requirements.lock pyproject.toml
	$(LOCK) --extra agent --extra dev --allow-unsafe -c initramfs/requirements.lock \
	  -o tests/requirements.lock pyproject.toml

clean:           ## remove all that was built
	$(ROOT) rm -rf build
