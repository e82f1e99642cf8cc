"""The account life: what people do with an account of their own once they have one. An app that hosts switch on::

    INSTALLED_APPS = [..., "phonebind", "phonebind.lifecycle"]
    urlpatterns = [..., path("", include("phonebind.api.urls")), path("", include("phonebind.lifecycle.urls"))]

Ways in without a provider, forgotten passwords, one's identities, sessions, password and mobile. The core knows of it
by ``phonebind.life`` alone.
"""
