# Thin on purpose: each target calls one script or CMake preset.
export SLUICE_DEPS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice
export CCACHE_DIR ?= $(SLUICE_DEPS)/ccache
# Another clone of the same source hits the same cache.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

python := $(SLUICE_DEPS)/venv/bin/python
configure = cmake --preset release >/dev/null

# Arrow must allocate where the sanitizer sees it, and is itself not instrumented.
sanitizing = ARROW_DEFAULT_MEMORY_POOL=system TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1

.PHONY: build test test-unit test-sanitized test-scenarios sanitize fuzz soak demo bench format tidy clean

build:  ## The program: build/release/sluice.
	@tools/setup build
	@$(configure)
	@cmake --build --preset release --target sluice

test: test-unit test-sanitized test-scenarios  ## Every test there is.

test-unit:
	@tools/setup test
	@$(configure)
	@cmake --build --preset release
	@ctest --preset release

test-sanitized:  ## What parses under ASan and UBSan, with the fuzzers' corpus; what has threads under TSan.
	@tools/setup test
	@cmake --preset asan >/dev/null && cmake --build --preset asan --target sanitized_tests
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan --target sanitized_tests
	@$(sanitizing) ctest --preset asan -L sanitized
	@$(sanitizing) ctest --preset tsan -L sanitized

sanitize:  ## All unit tests under both, and scenarios under ASan: ARGS='-k toast'. Takes as long as four builds.
	@tools/setup test
	@cmake --preset asan >/dev/null && cmake --build --preset asan --target all sanitized_tests
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan
	@$(sanitizing) ctest --preset asan
	@$(sanitizing) ctest --preset tsan
	@$(sanitizing) SLUICE_BINARY=$(CURDIR)/build/asan/sluice $(python) -m pytest -c tests/pytest.ini -n 2 \
	    $(or $(ARGS),-k 'types or toast or transactions or hostile or truncate or keys')

fuzz:  ## Each fuzzer for FUZZ_SECONDS (60); ARGS='pgoutput copy' picks some.
	@tools/setup fuzz
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz
	@fuzz/run $(ARGS)

soak: build  ## The long forms for SOAK_MINUTES (60): random changes, PostgreSQL's regression suite, failing steps, random networks, kills, fuzzers. Figures in build/soak.
	@tools/setup test
	@tools/setup fuzz
	@$(python) tools/soak

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
