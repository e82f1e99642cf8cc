from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    uid = models.BigAutoField(primary_key=True)
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
