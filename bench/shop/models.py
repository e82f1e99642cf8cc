"""The tables."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Somebody with a phone."""

    mobile = models.CharField(max_length=11, unique=True)


class QQAccount(models.Model):
    """Whom QQ calls ``openid``."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    openid = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.openid
