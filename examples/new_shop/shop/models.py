from django.conf import settings
from django.db import models

from phonebind.models import MobileUser


class User(MobileUser):
    """Django's own user, with a unique mobile number."""


class Product(models.Model):
    name = models.CharField(max_length=80)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    def __str__(self):
        return self.name


class CartLine(models.Model):
    """The cart of somebody who has an account. A visitor's cart is in the session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="cart")
    product = models.ForeignKey(Product, models.CASCADE)
    quantity = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "product"], name="one_line_for_each_product")]

    def __str__(self):
        return f"{self.product} x {self.quantity}"
