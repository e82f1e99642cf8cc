from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class User(AbstractUser):
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)

    people: ClassVar[UserManager["User"]] = UserManager()  # type: ignore[assignment]

    class Meta:
        default_manager_name = "people"
