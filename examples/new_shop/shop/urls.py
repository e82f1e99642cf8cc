from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index, name="index"),
    path("add/<int:pk>/", views.add, name="add"),
    path("cart/", views.cart, name="cart"),
    path("checkout/", views.checkout, name="checkout"),
]
