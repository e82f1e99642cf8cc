"""The URLs of this app."""

from django.urls import URLPattern, URLResolver, path

from phonebind.operations.monitoring import views

app_name = "phonebind_operations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("metrics/", views.metrics, name="metrics"),
]
