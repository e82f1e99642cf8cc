"""QQ Connect and a phone, on your own machine: an emulator of the provider and an SMS inbox, for DEBUG only.

It stands for parties outside the site, so it shares no code with the client side: a shared mistake would hide itself.
Mount it with ``path("sandbox/", include("phonebind_sandbox.urls"))`` and add ``phonebind_sandbox`` to INSTALLED_APPS.
"""
