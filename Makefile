# The vocabulary of this house. Everything else is Meson's (meson.build) and tools/.
.PHONY: build packages run test bench fuzz lint asan tsan install clean help bootstrap

BUILD ?= build
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
# Ninja says what is wrong; that there was nothing to do, nobody asked.
UNASKED = sed '/^ninja: no work to do/d'

help:
	@echo 'make run     install what is missing, build, start Weir with the first chat'
	@echo 'make test    all tests; the last line counts them'
	@echo 'make build   programs into $(BUILD)/'
	@echo 'make bench   Weir beside nginx and HAProxy, as ratios; how fast the API answers'
	@echo 'make fuzz    every fuzz target for FUZZ_SECONDS (60) each'
	@echo 'make lint    format, include arrows, warnings of gcc and clang'
	@echo 'make asan    unit and scenario tests under AddressSanitizer and UBSan'
	@echo 'make tsan    the threaded tests under ThreadSanitizer'
	@echo 'make install programs, man page and systemd unit under /usr/local (DESTDIR is honoured)'

bootstrap:
	@tools/bootstrap build

$(BUILD)/build.ninja: | bootstrap
	@meson setup --buildtype=release -Db_ndebug=false $(BUILD) >/dev/null

build: bootstrap $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet weir weir-keeper ragd webd | $(UNASKED)

# The functions' packages, made anew when a function was: `weir up` finds them beside the program.
FUNCTIONS = rag_query rag_query_multimodal document_processor

packages: build
	@ninja -C $(BUILD) --quiet functions/launcher $(FUNCTIONS:%=functions/%) | $(UNASKED)
	@for f in $(FUNCTIONS); do \
	 [ $(BUILD)/lambda-packages/$${f}_alb.zip -nt $(BUILD)/functions/$$f ] || \
	 exec ./package_alb_lambdas.sh $(BUILD) $(BUILD)/lambda-packages >/dev/null; done

run: build packages
	@$(BUILD)/weir up

test:
	@tools/bootstrap build test
	@tools/test all

asan:
	@tools/bootstrap build test
	@tools/test unit scenario

tsan:
	@tools/bootstrap build test
	@tools/test tsan

fuzz:
	@tools/bootstrap build test
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} tools/test fuzz

lint:
	@tools/bootstrap build test
	@tools/test lint

bench: build
	@tools/bootstrap bench
	@ninja -C $(BUILD) --quiet bench/bench_load bench/bench_backend bench/bench_echo | $(UNASKED)
	@bench/compare
	@bench/api

install: build
	@meson install -C $(BUILD) --quiet

clean:
	@rm -rf build build-asan build-tsan build-fuzz build-clang
