from django_redis import get_redis_connection


def is_right(request, mobile):
    """Whether the image code of a forgotten password was read right; it is used up."""
    stored = get_redis_connection("verify_codes").getdel(f"img_{request.query_params['image_code_id']}")
    return stored is not None and stored.decode().lower() == request.query_params["text"].lower()
