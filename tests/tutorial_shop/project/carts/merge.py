from django_redis import get_redis_connection

from carts import cookie


def merge_cart_cookie_to_redis(request, user, response):
    cart = cookie.read(request)
    if not cart:
        return response
    with get_redis_connection("cart").pipeline() as pipeline:
        for sku_id, line in cart.items():
            pipeline.hset(f"cart_{user.pk}", sku_id, line["count"])
            change = pipeline.sadd if line["selected"] else pipeline.srem
            change(f"cart_selected_{user.pk}", sku_id)
        pipeline.execute()
    response.delete_cookie("cart")
    return response
