from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class Present(UserManager["User"]):
    def get_queryset(self) -> "models.QuerySet[User]":
        return super().get_queryset().filter(is_deleted=False)


class User(AbstractUser):
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
    is_deleted = models.BooleanField(default=False)

    objects: ClassVar[Present] = Present()
