from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    mobile = models.CharField(max_length=11)
    email_active = models.BooleanField(default=False)

    class Meta:
        db_table = "tb_users"
