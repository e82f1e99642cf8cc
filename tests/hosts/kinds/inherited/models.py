from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    pass


class User(Person):
    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True)
