"""For who runs the site: what happened, how often, what it cost, and who has to know. An app that hosts switch on::

    INSTALLED_APPS = [..., "phonebind", "phonebind.operations"]
    urlpatterns = [..., path("", include("phonebind.operations.urls"))]

It learns everything from ``phonebind.signals``; the core does not know it.
"""
