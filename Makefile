# The front door. `make demo` and `make test` need nothing before them but Debian 12 amd64 with root or sudo.
#
#   make demo        install what is missing, build in minutes, run CSV -> SQL -> CSV and show what it made (docs/building.md: the fast lane)
#   make demo-mysql  the same from a real MariaDB that it starts and stops
#   make demo-e2b    the same in a sandbox of the local E2B server: no account needed
#   make test        install what is missing, build, run every test
#   make check-asan  the tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make check-tsan  the tests under ThreadSanitizer
#   make format      give every C and C++ file the form that a test wants (clang-format 19)
#   make lint        the checks of .clang-tidy over all product code (clang-tidy 19); what is known to be clean is not looked at again
#   make house       how large files and functions are, how much is comment; fails when worse than scripts/house.toml
#   make attack      the attack suite at its full size, and its figures (docs/attack-suite.md)
#   make fuzz        libFuzzer on every parser, 60 s each, under both sanitizers; FUZZ="json frames" FUZZ_SECONDS=600
#   make coverage    which lines of product code the tests go through: by folder, and every line that none does in build/coverage/coverage.txt
#   make mutants     do the tests notice wrong code? Seeded one-line changes, built and tested in build/mutants; MUTANTS="--seed 2 --at-most 9"
#   make check-updates  which pinned versions are behind or out of support (asks the package registries)
#   make check-live  a small suite against the real E2B: needs E2B_API_KEY, says what it would do without
#   make bench       print the tables of docs/benchmarks.md
#   make bench-peers the rows of other tools: DuckDB's CLI, polars, connectorx and Sling, from PyPI into an environment of their own
#   make install     build what is installed, without tests, and copy it to PREFIX (default /usr/local)
#   make package     osiris and osiris-dev as .deb, and a relocatable .tar.zst of both, in build/<preset>/packages
#   make release     from a clean tag: the packages, built twice and compared, tried in a bare Debian, with SHA256SUMS in build/releases
#   make docs        docs/ as a site with a search, its links checked, in build/<preset>/site

JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local
# In CI a warning is an error.
PRESET ?= $(if $(filter true,$(CI)),ci,release)
BUILD   = build/$(PRESET)
# A few lines on the terminal, everything in a file.
BRIEF   = @scripts/brief.sh $(BUILD)
CMAKE_BUILD = cmake --build --preset $(PRESET) -j $(JOBS)

.PHONY: demo demo-mysql demo-e2b test check-asan check-tsan check-live check-updates format lint house attack coverage fuzz mutants bench bench-peers build configure setup install package release docs clean
.DEFAULT_GOAL := build

# What is installed: all that tests and servers need, or only what a first look does; and the generator of `make docs`, in CI, where its
# test may not be skipped.
SETUP = all $(if $(filter true,$(CI)),docs)
setup:
	@scripts/setup.sh $(SETUP)

configure: setup
	$(BRIEF)/configure.log cmake --preset $(PRESET)

build: configure
	$(BRIEF)/build.log $(CMAKE_BUILD)

# A demo builds what it runs, not the tests. The plain one takes the fast lane: DuckDB's library from npm instead of 10 minutes of compiling.
demo: PRESET = quick
demo: SETUP = demo
demo-mysql: demo_server = osiris_mariadb
demo-e2b: demo_server = osiris-e2b-server
demo demo-mysql demo-e2b: configure
	$(BRIEF)/build.log $(CMAKE_BUILD) --target osiris_programs $(demo_server)
	@OSIRIS_BUILD_DIR=$(CURDIR)/$(BUILD) scripts/$@.sh

test: build
	@scripts/run_tests.sh $(PRESET) $(JOBS)

check-asan:
	@$(MAKE) --no-print-directory test PRESET=dev

check-tsan:
	@$(MAKE) --no-print-directory test PRESET=tsan

check-live: $(if $(E2B_API_KEY),configure)
	$(if $(E2B_API_KEY),$(BRIEF)/build.log $(CMAKE_BUILD) --target osiris_programs)
	@OSIRIS_BUILD_DIR=$(CURDIR)/$(BUILD) scripts/check_live.py

check-updates:
	@scripts/check_updates.py

format: setup
	@scripts/format.py

lint: build
	@scripts/lint.py $(BUILD) --jobs $(JOBS) --record

house:
	@scripts/house.py

attack: build
	@scripts/attack.sh $(PRESET)

FUZZ_SECONDS ?= 60
fuzz: setup
	@JOBS=$(JOBS) scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ)

coverage: PRESET = coverage
coverage: build
	@find $(BUILD) -name '*.gcda' -delete
	@scripts/run_tests.sh $(PRESET) $(JOBS) -LE install
	@scripts/coverage.py $(BUILD)

mutants: setup
	@scripts/mutants/mutants.py --preset $(PRESET) --jobs $(JOBS) $(MUTANTS)

bench: SETUP = all bench
bench: build
	@OSIRIS_BUILD_DIR=$(CURDIR)/$(BUILD) bench/run.sh

bench-peers: build
	@OSIRIS_BUILD_DIR=$(CURDIR)/$(BUILD) bench/peers.sh

install: configure
	$(BRIEF)/build.log $(CMAKE_BUILD) --target osiris_installed
	$(BRIEF)/install.log cmake --install $(BUILD) --prefix $(PREFIX)

package: configure
	$(BRIEF)/build.log $(CMAKE_BUILD) --target osiris_installed
	$(BRIEF)/package.log scripts/package.sh $(BUILD) $(BUILD)/packages
	@ls -1s --block-size=kB $(BUILD)/packages/*.deb $(BUILD)/packages/*.tar.zst

release: setup
	@scripts/release.sh

# The reference is what the program says of itself.
docs: SETUP = docs
docs: configure
	$(BRIEF)/build.log $(CMAKE_BUILD) --target osiris_programs
	@scripts/docs/site.py $(BUILD) $(BUILD)/site

clean:
	rm -rf build
