"""The account life: what people do with their account after it is bound. Hosts switch this app on::

    INSTALLED_APPS = [..., "phonebind", "phonebind.lifecycle"]
    urlpatterns = [..., path("", include("phonebind.api.urls")), path("", include("phonebind.lifecycle.urls"))]

It has sign-in without a provider, the reset of a forgotten password, and the person's own identities, sessions,
password and mobile. The core reaches this app only through ``phonebind.life``.
"""
