"""The cart: in the session for visitors, in the database for people with an account."""

from django.db import transaction
from django.db.models import F

from shop.models import CartLine, Product

KEY = "cart"


def add(request, product):
    if request.user.is_authenticated:
        _add(request.user, product, 1)
        return
    cart = request.session.get(KEY, {})
    cart[str(product.pk)] = cart.get(str(product.pk), 0) + 1
    request.session[KEY] = cart


def lines(request):
    """Pairs of a product and how many of it."""
    if request.user.is_authenticated:
        return [(line.product, line.quantity) for line in request.user.cart.select_related("product").order_by("pk")]
    cart = request.session.get(KEY, {})
    return [(product, cart[str(product.pk)]) for product in Product.objects.filter(pk__in=cart)]


def merge(request, user):
    """Move the visitor's cart into the account. A second call finds nothing to move."""
    cart = request.session.get(KEY, {})
    with transaction.atomic():
        for product in Product.objects.filter(pk__in=cart):
            _add(user, product, cart[str(product.pk)])
    request.session.pop(KEY, None)


def count(request):
    """For all templates: ``cart_count``."""
    return {"cart_count": sum(quantity for _, quantity in lines(request))}


def _add(user, product, quantity):
    line, _ = CartLine.objects.get_or_create(user=user, product=product)
    CartLine.objects.filter(pk=line.pk).update(quantity=F("quantity") + quantity)
