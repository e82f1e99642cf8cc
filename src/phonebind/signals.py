"""What a shop can listen to. Sent after the commit; a receiver's exception is logged and stops nothing."""

from django.dispatch import Signal

#: ``user``, ``social_account``, ``request``: somebody just bound an identity to their account. Merge the cart here.
account_bound = Signal()

#: ``user``, ``social_account`` (None after a password sign-in), ``request``: someone signed in, by whichever way.
signed_in = Signal()

#: ``user``, ``social_account`` (None after a password sign-in), ``request``, ``response``: the answer to somebody who
#: signed in, before it is sent, from the API and the pages alike. Set and delete cookies on ``response`` here.
sign_in_response = Signal()

#: ``provider`` (the family: "wechat"), ``unionid``, ``user_ids``: a sign-in has shown that these accounts are one
#: person's. Nothing is joined: that is for the person, or for you.
same_person_found = Signal()

#: ``rule`` ("sms_site_hour" or "sms_site_day"), ``limit``, ``seconds``, ``retry_after``: the SMS budget of the whole
#: site is used up, and nobody gets a code for ``retry_after`` seconds. Sent once a minute while that lasts: wake
#: somebody here.
sms_budget_exhausted = Signal()

#: ``rule`` ("proof_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for proofs of a mobile
#: without SMS is used up; people verify by SMS meanwhile. Sent once a minute while that lasts.
proof_budget_exhausted = Signal()

#: ``gateway`` (its name), ``purpose``, ``outcome`` ("sent", "not_now", "operator", "number", "limit", "unknown": see
#: docs/sms.md), ``seconds``: a gateway was given an SMS. For your metrics; sent for each gateway that was tried.
sms_attempted = Signal()

#: ``gateway``, ``state`` ("delivered", "failed"), ``reason`` ("" where it was delivered, or one of
#: ``phonebind.sms.receipts.REASONS``), ``seconds`` since it was sent: the carrier has told what became of an SMS. For
#: your metrics; sent once for each SMS, and only where ``SMS_RECEIPTS`` is on.
sms_receipt_received = Signal()

#: ``record``: every attribute of a record of the audit trail (``phonebind.audit``); ``mobile``: the whole number, or
#: ""; ``request``. Sent for each outcome, after it was committed and before the answer goes out: do not take long.
audited = Signal()

#: ``image_code_id``, ``text``: an image code was drawn. For development tools that read the image for you.
image_code_issued = Signal()

#: ``user``, ``session``: a refresh token was used that had been used before, so two hold it, and its session was ended.
#: With ``phonebind.lifecycle`` alone; so is what follows.
refresh_token_reused = Signal()

#: ``user``, ``old``, ``new`` (masked), ``due_at``, ``request``: somebody who has lost the old number asked for another.
#: The old number is told by SMS (``MOBILE_CHANGE_NOTICE``). Tell them by every other way that you have, by mail or in
#: your app: whoever comes in by any of them can cancel it until then.
mobile_change_requested = Signal()

#: ``user``, ``old``, ``new`` (masked; ``old`` is "" where there was none), ``request`` (None where the change waited):
#: an account has another mobile now.
mobile_changed = Signal()

#: ``request``, ``user``, ``session``: somebody has signed in from a device that this account was never seen on, and it
#: has older sessions. Tell the person here, by SMS or mail; nobody is told otherwise.
new_device = Signal()

#: ``user``, ``provider`` (the family: "wechat"), ``request``: somebody who is signed in has bound one more identity, or
#: unbound one. Tell them by another way, an SMS or a mail: it may have been somebody else.
identity_bound = Signal()
identity_unbound = Signal()

#: ``user``, ``request``, ``outcome`` ("accepted", "held"): somebody who has proved the mobile alone, long after it was
#: proved last, says that the account is theirs, and it has no second way in that they could show.
number_doubtful = Signal()

#: ``rule`` ("number_state_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for questions about
#: numbers is used up; people are asked themselves meanwhile. Sent once a minute while that lasts.
number_state_budget_exhausted = Signal()
