from django_redis import get_redis_connection
from rest_framework.response import Response
from rest_framework.views import APIView

from carts import cookie


class CartView(APIView):
    """For visitors too."""

    def post(self, request):
        user, sku_id, count = request.user, int(request.data["sku_id"]), int(request.data["count"])
        response = Response({"sku_id": sku_id, "count": count}, status=201)
        if user.is_authenticated:
            get_redis_connection("cart").hincrby(f"cart_{user.pk}", sku_id, count)
            return response
        cart = cookie.read(request)
        cart[sku_id] = {"count": cart.get(sku_id, {"count": 0})["count"] + count, "selected": True}
        response.set_cookie("cart", cookie.dump(cart), max_age=30 * 86_400)
        return response

    def get(self, request):
        user = request.user
        if user.is_authenticated:
            stored = get_redis_connection("cart").hgetall(f"cart_{user.pk}")
            return Response({int(sku_id): int(count) for sku_id, count in stored.items()})
        return Response({sku_id: line["count"] for sku_id, line in cookie.read(request).items()})
