"""Nothing here works but in a test run."""

from django.test import utils


def refuse_outside_tests() -> None:
    """``setup_test_environment()`` was called, by ``manage.py test`` or pytest-django: no server does that."""
    if not hasattr(utils._TestState, "saved_data"):
        raise RuntimeError("phonebind.testing works in a test run only: it lets everybody sign in as anybody.")


def problems() -> list[str]:
    try:
        refuse_outside_tests()
    except RuntimeError as error:
        return [str(error)]
    return []
