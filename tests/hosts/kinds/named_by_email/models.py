from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class Manager(BaseUserManager["User"]):
    def create_superuser(self, **fields: Any) -> "User":
        user = self.model(is_staff=True, is_superuser=True, **fields)
        user.set_password(fields["password"])
        user.save()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(unique=True, null=True, blank=True)
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects = Manager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email or self.mobile or str(self.pk)
