"""Tools for the operators of the site: the record of events, metrics, SMS costs, alarms and webhooks.

The app is optional. A host switches it on::

    INSTALLED_APPS = [..., "phonebind", "phonebind.operations"]
    urlpatterns = [..., path("", include("phonebind.operations.urls"))]

It receives everything through ``phonebind.signals``. The core does not import it.
"""
