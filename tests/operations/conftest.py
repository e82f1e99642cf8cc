"""The app for who runs the site, installed for these tests alone (``OPERATIONS=1``), as tests/lifecycle has its own."""

from django.apps import apps

if not apps.is_installed("phonebind.operations"):
    # Folders and all: whatever imports its models makes Django look for their tables.
    collect_ignore_glob = ["*"]
