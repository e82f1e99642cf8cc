from django.contrib.auth.models import AbstractUser
from phonenumber_field.modelfields import PhoneNumberField


class User(AbstractUser):
    mobile = PhoneNumberField(unique=True, null=True, blank=True)
