"""QQ Connect and a phone, on your own machine: an emulator of the provider, of SMS vendors and of Tencent's captcha.

It stands for parties outside a site, so it shares no code with phonebind: a shared mistake would hide itself.
Alone it is ``python -m phonebind_sandbox``. In a Django project: ``phonebind_sandbox`` in INSTALLED_APPS, and
``path("sandbox/", include("phonebind_sandbox.urls"))``; it exists there while DEBUG is on.
"""

__version__ = "1.0.0"
