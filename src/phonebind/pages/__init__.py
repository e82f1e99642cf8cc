"""Sign-in pages rendered by Django. They work without JavaScript; with it, forms answer in place.

This is a separate app (``phonebind.pages`` in ``INSTALLED_APPS``), so that Django finds its templates. A project may
override any template. A project with its own front end needs only the API.
"""
