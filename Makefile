export SLUICE_DEPS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice

.PHONY: build
build:
	@tools/setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release
