# Thin on purpose: each target calls one script or CMake preset.
export SLUICE_DEPS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice
export CCACHE_DIR ?= $(SLUICE_DEPS)/ccache
# Another clone of the same source hits the same cache.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

python := $(SLUICE_DEPS)/venv/bin/python
configure = cmake --preset release >/dev/null

.PHONY: build test test-unit test-scenarios demo bench format tidy clean

build:  ## The program: build/release/sluice.
	@tools/setup build
	@$(configure)
	@cmake --build --preset release --target sluice

test: test-unit test-scenarios  ## Every test there is.

test-unit:
	@tools/setup test
	@$(configure)
	@cmake --build --preset release
	@ctest --preset release

test-scenarios: build  ## The built program between real servers, read by strangers. ARGS='-k toast' picks some.
	@tools/setup test
	@$(python) -m pytest -c tests/pytest.ini $(or $(ARGS),-n 2)

demo:  ## A minute of live data; KEEP=1 stays up to play with.
	@tools/demo/run

bench: build
	@bench/run

format:
	@tools/format

tidy: build
	@tools/tidy

clean:
	@rm -rf build
