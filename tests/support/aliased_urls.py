"""The reference server's URLs, after those of the host."""

from server.urls import handler400, handler403, handler404
from server.urls import urlpatterns as ours
from tests.support.aliases import aliases

__all__ = ["handler400", "handler403", "handler404", "urlpatterns"]

urlpatterns = [*aliases(), *ours]
