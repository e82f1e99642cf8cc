"""What a shop can listen to."""

from django.dispatch import Signal

from phonebind import signals


def test_there_are_four() -> None:
    """When each is sent, and with what, stands in test_binding, test_limits and test_image_codes."""
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert names == {"account_bound", "signed_in", "image_code_issued", "sms_budget_exhausted"}
