"""The signals that a shop can listen to."""

from django.dispatch import Signal

from phonebind import signals


def test_which_there_are() -> None:
    """When each is sent and with which arguments: test_binding, test_sign_in_response, test_limits, test_image_codes,
    sms/.
    """
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    of_people = {"account_bound", "signed_in", "sign_in_response", "same_person_found"}
    of_life = {
        "refresh_token_reused",
        "mobile_change_requested",
        "mobile_changed",
        "new_device",
        "identity_bound",
        "identity_unbound",
        "number_doubtful",
        "number_state_asked",
        "number_state_budget_exhausted",
        "sessions_ended",
    }
    assert names == of_people | of_life | {"image_code_issued", "audited", "committing"} | {
        "budget_low",
        "proof_budget_exhausted",
        "sms_attempted",
        "sms_code_checked",
        "sms_budget_exhausted",
        "sms_pumping_suspected",
        "sms_receipt_received",
    }
