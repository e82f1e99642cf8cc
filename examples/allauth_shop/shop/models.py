from django.contrib.auth.models import AbstractUser
from django.db import models

from phonebind.models import validate_mobile


class User(AbstractUser):
    """One model for both: an e-mail address by allauth, a mobile number by phonebind.

    ``mobile`` is null, because people who register by e-mail have none.
    """

    mobile = models.CharField(max_length=11, unique=True, null=True, blank=True, validators=[validate_mobile])
