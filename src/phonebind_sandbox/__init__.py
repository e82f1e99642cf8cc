"""Emulates identity providers, SMS vendors and Tencent's captcha on your own machine, together with a phone for each
number.

The sandbox stands for parties outside a site. So it shares no code with phonebind: a mistake in shared code would not
be noticed. ``python -m phonebind_sandbox`` runs it alone. In a Django project, add ``phonebind_sandbox`` to
INSTALLED_APPS and ``path("sandbox/", include("phonebind_sandbox.urls"))``. There it exists only while DEBUG is on.
"""

__version__ = "1.0.0"
