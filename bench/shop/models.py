"""The tables of the shop."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A user with a mobile number."""

    mobile = models.CharField(max_length=11, unique=True)


class QQAccount(models.Model):
    """A QQ account by its ``openid``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    openid = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.openid
