"""Pages for the account life: ways to sign in without a provider, and the person's own account.

They need ``phonebind.pages``, and use Django's session to know who is signed in.
"""
