from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shop import carts
from shop.models import Product


def index(request):
    return render(request, "shop/index.html", {"products": Product.objects.order_by("pk")})


@require_POST
def add(request, pk):
    product = get_object_or_404(Product, pk=pk)
    carts.add(request, product)
    messages.success(request, _("In the cart: %(product)s") % {"product": product})
    return redirect("index")


def cart(request):
    found = carts.lines(request)
    lines = [(product, quantity, product.price * quantity) for product, quantity in found]
    return render(request, "shop/cart.html", {"lines": lines, "total": sum(price for _, _, price in lines)})


@login_required
def checkout(request):
    """For people with an account. Visitors sign in first, and ``next`` brings them back here."""
    return render(request, "shop/checkout.html")
