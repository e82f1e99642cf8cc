"""What the shop does when somebody signs in. phonebind sends the signals."""

from django.dispatch import receiver

from phonebind.signals import account_bound, signed_in
from shop import carts


@receiver([account_bound, signed_in])
def merge_cart(sender, user, request, **kwargs):
    """``account_bound`` comes once, with the first sign-in. ``signed_in`` comes with every sign-in.

    ``request`` is still the visitor's: its session has the visitor's cart. The account is ``user``.
    """
    carts.merge(request, user)
