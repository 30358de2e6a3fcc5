# Two commands do everything: `make demo` shows s3gate at work, `make test` checks it.
#
# Each needs only git, make and a CPython 3.12 or 3.13 (PYTHON=/path/to/python names one) and makes its
# environments under .venv/ the first time.

MAKEFLAGS += --no-print-directory
development := deploy/development
environment := $(development)/environment.sh
FUZZ_SECONDS ?= 300
export PYTHON

.PHONY: help demo test faults fuzz bypass bench results lint lock clean

help:
	@echo 'make demo   an allowed upload, refused ones, the audit trail and the alarm, on this machine'
	@echo 'make test   ruff, mypy and all tests'
	@echo 'make faults what is lost under each fault, with plain watchtower beside it (about 8 minutes)'
	@echo 'make fuzz   the properties with fresh examples for FUZZ_SECONDS (300)'
	@echo 'make lint   ruff and mypy only'
	@echo 'make bypass the attacks of tests/bypass/ against s3gate and Squid, side by side (as root; 3 minutes)'
	@echo 'make bench  what s3gate costs beside Squid and mitmdump (as root; BENCH=--help tells more)'
	@echo 'make results  the same, kept: tests/bench/results/ and the figures of README.md made anew'
	@echo 'make readme make the tables of the README and the reference anew'
	@echo 'make lock   write the lock files anew'
	@echo 'make clean  remove the environments and caches'

demo:
	@bin=$$($(environment) s3gate) && $(environment) emulator >/dev/null && exec "$$bin/s3gate" demo

test:
	@bin=$$($(environment) s3gate) && $(environment) emulator >/dev/null && $(environment) iam >/dev/null && $(environment) lint >/dev/null && $(environment) checkov >/dev/null && $(environment) schemas >/dev/null && $(development)/debian-packages.sh && { $(development)/evaluator.sh >/dev/null || :; } && exec $(development)/checks.sh "$$bin"

faults:
	@bin=$$($(environment) s3gate) && PYTHONPATH=tests:addons exec "$$bin/python" -m faults.table

fuzz:
	@bin=$$($(environment) s3gate) && exec $(development)/fuzz.sh "$$bin" $(FUZZ_SECONDS)

lint:
	@bin=$$($(environment) s3gate) && "$$bin/ruff" check && "$$bin/ruff" format --check && "$$bin/mypy"

bypass:
	@bin=$$($(environment) s3gate) && $(development)/debian-packages.sh && PYTHONPATH=tests exec "$$bin/python" -m bypass.table $(if $(ROWS),--rows) $(if $(RESULTS),--results $(RESULTS))

bench:
	@bin=$$($(environment) s3gate) && $(development)/debian-packages.sh && PYTHONPATH=tests exec "$$bin/python" -m bench $(BENCH)

results:
	@bin=$$($(environment) s3gate) && $(development)/debian-packages.sh && export PYTHONPATH=tests && \
	  { "$$bin/python" -m bench --out tests/bench/results $(BENCH); [ $$? -le 1 ]; } && \
	  exec "$$bin/python" -m generate.readme

readme:
	@bin=$$($(environment) s3gate) && PYTHONPATH=tests exec "$$bin/python" -m generate.readme

lock:
	@$(development)/lock.sh

clean:
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis addons/s3gate.egg-info
