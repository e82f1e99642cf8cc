# make run      serve http://127.0.0.1:8000 (PORT, DATA_DIR, REDIS_URL, DATABASE_URL)
# make test     everything that CI checks
# make docs     the site of the documents, in Chinese and English, into site/
# make screenshots  the pictures of the documents, of the running product in headless Chromium: docs/images (NAMES="sign-in bind")
# make diagrams  the pictures of docs/site/diagrams/*.mmd that have changed; needs npm, Chromium and the network
# make torture  races, faults and attacks at full length, with a table of results: docs/en/explanation/reliability.md (PARTS="nodes sentinel")
# make mutants  whether the tests notice changes in the code (MODULES="limits sms_codes"): half an hour, docs/en/explanation/mutants.md
# make bench    phonebind and other projects side by side (PARTS="sign_in crowd"): an hour, docs/en/explanation/performance.md
# make release  wheel, source, SBOM and SHA256SUMS of the committed version into dist/; it uploads nothing
# make hashes   after a change of a version in requirements: the SHA-256 of all its files, from the package index
# make captcha-study  what off-the-shelf OCR can read of our image codes, and of others: docs/en/explanation/image-codes.md
# Needs Python 3.11 or newer and nothing else. Everything is installed into .venv, .oracles, study/.venv and bench/.venv.
# With npm, examples/vue_shop/frontend/node_modules too.

PY = .venv/bin/python

# Makes a .venv again if its Python is gone or was moved.
$(shell for venv in .venv .oracles study/.venv bench/.venv; do \
    test ! -e $$venv || $$venv/bin/python -c 'import pip' 2>/dev/null || rm -f $$venv/complete $$venv/*.stamp; done)

.PHONY: help run test docs release screenshots diagrams torture mutants bench captcha-study lint format hashes messages clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/server.stamp
	@exec $(PY) -m server.run

test: .venv/docs.stamp
	@exec scripts/test

docs: .venv/docs.stamp
	@exec scripts/docs

release: .venv/test.stamp
	@exec scripts/release

screenshots: .venv/test.stamp
	@exec scripts/screenshots $(NAMES)

diagrams: .venv/test.stamp
	@exec scripts/diagrams

torture: .venv/test.stamp
	@exec scripts/torture $(PARTS)

lint: .venv/test.stamp
	@exec scripts/lint

format: .venv/test.stamp
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

# Works in any state of .venv: it only needs pip, which is always there, and no stamp may wait for new hashes.
hashes:
	@test -e $(PY) || requirements/venv .venv
	@exec $(PY) requirements/hashes.py

# The .mo files are committed, so that only translators need gettext.
messages: .venv/server.stamp
	cd src/phonebind && ../../$(PY) -m django makemessages -l zh_Hans -l en --no-obsolete --add-location file
	cd src/phonebind && ../../$(PY) -m django compilemessages

mutants: .venv/mutants.stamp
	@exec scripts/mutants

bench: bench/.venv/complete
	@exec scripts/bench $(PARTS)

captcha-study: study/.venv/complete
	@exec scripts/captcha-study $(ARGS)

# All that make and the scripts put into the tree, and the demo's data: all of it is made again.
clean:
	rm -rf .venv .corners .oracles study/.venv bench/.venv
	rm -rf bench/contenders/better_auth/node_modules examples/vue_shop/frontend/node_modules
	rm -rf examples/vue_shop/frontend/dist site dist study/blind mutants .data
	rm -rf .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/server.stamp: requirements/server.txt pyproject.toml
	$(call install,server)

.venv/test.stamp: requirements/test.txt requirements/server.txt pyproject.toml
	$(call install,test)

.venv/docs.stamp: requirements/docs.txt requirements/test.txt requirements/server.txt pyproject.toml
	$(call install,docs)

.venv/mutants.stamp: requirements/mutants.txt .venv/test.stamp
	$(call install,mutants)

# The other projects of the benchmark stay out of our .venv.
bench/.venv/complete: bench/requirements.txt bench/contenders/better_auth/package.json requirements/server.txt pyproject.toml
	@rm -f $@
	@requirements/venv bench/.venv
	@echo "Installing bench/requirements.txt into bench/.venv (once) ..."
	@bench/.venv/bin/python requirements/install.py bench/requirements.txt
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@if command -v npm >/dev/null; then \
	    npm install --silent --no-package-lock --no-fund --no-audit --prefix bench/contenders/better_auth; \
	else echo "**** No npm here: better-auth will not be measured"; fi
	@touch $@

# OCR is large, and stays out of our .venv.
study/.venv/complete: study/requirements.txt
	@rm -f $@
	@requirements/venv study/.venv
	@echo "Installing study/requirements.txt into study/.venv (once) ..."
	@study/.venv/bin/python requirements/install.py study/requirements.txt
	@touch $@

# The packages of the example front end, in the exact versions of its lock file.
examples/vue_shop/frontend/node_modules/complete: examples/vue_shop/frontend/package-lock.json
	@rm -f $@
	@if command -v npm >/dev/null; then \
	    echo "Installing examples/vue_shop/frontend/package-lock.json (once) ..."; \
	    npm ci --silent --prefix $(<D) && touch $@; \
	else echo "**** No npm here: examples/vue_shop will not be tested"; fi

# Two of the vendors' SDKs have no wheel. pip builds them with the pinned versions of .oracles, not with the newest
# ones.
.oracles/complete: requirements/oracles.txt requirements/oracles-build.txt
	@rm -f $@
	@requirements/venv .oracles
	@echo "Installing requirements/oracles.txt into .oracles (once) ..."
	@.oracles/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/oracles-build.txt
	@.oracles/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-compile -r requirements/oracles.txt
	@touch $@

# `complete` is missing while pip works. So the next install cleans up after an interrupted one.
define install
	@test -e .venv/complete || requirements/venv .venv
	@rm -f .venv/complete
	@echo "Installing requirements/$(1).txt into .venv (once) ..."
	@$(PY) requirements/install.py requirements/$(1).txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch .venv/complete $@
endef
