"""Refuses to work outside of a test run."""

from django.test import utils


def refuse_outside_tests() -> None:
    """Raises RuntimeError unless ``setup_test_environment()`` was called.

    ``manage.py test`` and pytest-django call it. No server does.
    """
    if not hasattr(utils._TestState, "saved_data"):
        raise RuntimeError("phonebind.testing works in a test run only: it lets any client sign in as any person.")


def problems() -> list[str]:
    try:
        refuse_outside_tests()
    except RuntimeError as error:
        return [str(error)]
    return []
