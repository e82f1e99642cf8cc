"""The account life for people with a browser: ways in besides the providers, and one's own account. They stand on
``phonebind.pages``, and know who is signed in by Django's session.
"""
