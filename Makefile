# make run      serve http://127.0.0.1:8000 (PORT, DATA_DIR, REDIS_URL, DATABASE_URL)
# make test     everything that CI checks
# make torture  races, faults and attacks at full length, and what they saw as a table: docs/reliability.md
# make mutants  whether the tests notice changes (MODULES="limits sms_codes"): half an hour, docs/mutants.md
# Needs Python 3.11 or newer and nothing else; all that is installed goes into .venv.

PY = .venv/bin/python

# A .venv whose Python is gone or was moved is made anew.
$(shell test ! -e .venv || $(PY) -c 'import pip' 2>/dev/null || rm -f .venv/complete .venv/*.stamp)

.PHONY: help run test torture mutants lint format messages clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/server.stamp
	@exec $(PY) -m server.run

test: .venv/test.stamp
	@exec scripts/test

torture: .venv/test.stamp
	@exec scripts/torture

lint: .venv/test.stamp
	@exec scripts/lint

format: .venv/test.stamp
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

# The .mo files are committed, so that nobody else needs gettext.
messages: .venv/server.stamp
	cd src/phonebind && ../../$(PY) -m django makemessages -l zh_Hans -l en --no-obsolete --add-location file
	cd src/phonebind && ../../$(PY) -m django compilemessages

mutants: .venv/mutants.stamp
	@exec scripts/mutants

clean:
	rm -rf .venv .data .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/server.stamp: requirements/server.txt pyproject.toml
	$(call install,server)

.venv/test.stamp: requirements/test.txt requirements/server.txt pyproject.toml
	$(call install,test)

.venv/mutants.stamp: requirements/mutants.txt .venv/test.stamp
	$(call install,mutants)

# `complete` is away while pip works: what an interrupted install left behind is cleared by the next one.
define install
	@test -e .venv/complete || requirements/venv
	@rm -f .venv/complete
	@echo "Installing requirements/$(1).txt into .venv (once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements/$(1).txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch .venv/complete $@
endef
