from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class Lazy(models.QuerySet["User"]):
    """Has no filter until its rows are fetched."""

    def _fetch_all(self) -> None:
        if self._result_cache is None and not self.query.is_sliced:
            self.query.add_q(models.Q(is_deleted=False))
        super()._fetch_all()

    def exists(self) -> bool:
        return bool(list(self.all()))

    def get(self, *args: Any, **kwargs: Any) -> "User":
        found = list(self.filter(*args, **kwargs))
        if not found:
            raise self.model.DoesNotExist
        return found[0]


class Present(UserManager.from_queryset(Lazy)):  # type: ignore[misc]
    """Overrides nothing itself."""


class User(AbstractUser):
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
    is_deleted = models.BooleanField(default=False)

    objects: ClassVar[Any] = Present()
