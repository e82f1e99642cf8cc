from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
    member_number = models.UUIDField(unique=True, default=uuid4)
    invited_by = models.CharField(max_length=8, unique=True, null=True, blank=True)
    level = models.IntegerField(default=1)
    born = models.DateField(null=True, blank=True)
    joined = models.DateTimeField(auto_now_add=True)
    city = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mobile", "level"], name="a_level_each")]  # noqa: RUF012
