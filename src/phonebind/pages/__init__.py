"""Sign-in pages, served by Django: they work without a script, and better with one.

An app of its own (``phonebind.pages`` in ``INSTALLED_APPS``), so that Django finds its templates, any of which a
project may override; the API alone serves those with their own front end.
"""
