"""Signals that a host can connect to. All but ``committing`` are sent after the commit. The exception of a receiver is
logged and has no other effect (except on ``committing``).
"""

from django.dispatch import Signal

#: ``user``, ``social_account``, ``request``: a person has just bound an identity to their account. Merge the cart here.
#: Sent at most once. It is not sent if the process dies after the commit, or if the answer to the commit is lost: the
#: same request then finds that the bind is done. For what must not be missed, use ``WEBHOOKS`` or ``committing`` below.
account_bound = Signal()

#: ``user``, ``social_account`` (None after a password sign-in), ``request``: a person signed in, in any way.
signed_in = Signal()

#: ``user``, ``social_account`` (None after a password sign-in), ``request``, ``response``: the answer to a sign-in,
#: before it is sent, from the API and from the pages. Set and delete cookies on ``response`` here.
sign_in_response = Signal()

#: ``provider`` (the family: "wechat"), ``unionid``, ``user_ids``: a sign-in has shown that these accounts are one
#: person's. They are not merged: the person, or you, may do that.
same_person_found = Signal()

#: ``rule`` ("sms_site_hour" or "sms_site_day"), ``limit``, ``seconds``, ``retry_after``: the SMS budget of the whole
#: site is used up, and no code is sent for ``retry_after`` seconds. Sent once a minute during that time: alert an
#: operator here.
sms_budget_exhausted = Signal()

#: ``rule`` ("proof_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for proofs of a mobile
#: without SMS is used up. People verify by SMS until then. Sent once a minute during that time.
proof_budget_exhausted = Signal()

#: ``rule`` ("sms_site_hour", or another budget of the whole site), ``limit``, ``seconds``, ``used``: four fifths of
#: this budget are used. When it is used up, the budget's own signal follows. Sent once in ``seconds``, in time to act.
budget_low = Signal()

#: ``phonebind.operations``. ``sent``, ``numbers``, ``used``: in the last hour, how many SMS went to how many numbers,
#: and how many of these numbers used a code: too few (``PUMPING_ALARM``). ``network``: where most of the requests came
#: from. Sent once an hour while that lasts: alert an operator here.
sms_pumping_suspected = Signal()

#: ``gateway`` (its name), ``purpose``, ``outcome`` ("sent", "not_now", "operator", "number", "limit", "unknown": see
#: docs/en/how-to/sms/index.md#what-comes-of-an-sms), ``seconds``: an SMS was given to a gateway. For your metrics; sent
#: once for each gateway that was tried.
sms_attempted = Signal()

#: ``purpose`` (one of ``phonebind.sms.PURPOSES``), ``outcome``: a person has entered an SMS code. "right". "wrong".
#: "burnt": wrong, and the last guess, so the codes that it might have matched are no longer valid. "expired": no code
#: was alive that it might have matched: all are expired, burnt or used, or none was sent. For your metrics. Not sent
#: for an attempt that a limit refuses.
sms_code_checked = Signal()

#: ``gateway``, ``state`` ("delivered", "failed"), ``reason`` ("" if it was delivered, or one of
#: ``phonebind.sms.receipts.REASONS``), ``seconds`` since it was sent: the carrier has reported on an SMS. For your
#: metrics; sent once for each SMS, and only if ``SMS_RECEIPTS`` is on.
sms_receipt_received = Signal()

#: ``record``: every attribute of a record of the audit trail (``phonebind.audit``); ``mobile``: the whole number, or
#: ""; ``request``. Sent for each outcome, after the commit and before the answer is sent, so a receiver must be fast.
audited = Signal()

#: ``act`` ("account-bound", "identifier-recycled", "credential-change", "session-revoked", "sessions-revoked"),
#: ``facts`` (a list of dicts, one for each account or session of the act; each has ``user_id``; all values are primary
#: keys and words, see docs/en/how-to/operations/webhooks.md), ``using``: an act on accounts is about to be committed on
#: this alias. Unlike the other signals it is sent within the transaction, if there is one, and an exception in a
#: receiver rolls the act back. Write a row there that must exist exactly if the act does, and do nothing else.
committing = Signal()

#: ``image_code_id``, ``text``: an image code was drawn. For development tools that enter the code for you.
image_code_issued = Signal()

#: ``user``, ``session``: a refresh token was used for the second time. So two parties hold it, and its session was
#: ended. This signal and all below are sent only with ``phonebind.lifecycle``.
refresh_token_reused = Signal()

#: ``user``, ``old``, ``new`` (masked), ``due_at``, ``request``: a person who has lost the old number has asked for
#: another. An SMS tells the old number (``MOBILE_CHANGE_NOTICE``). Tell the owner in every other way that you have, by
#: mail or in your app. Until ``due_at``, whoever signs in to the account can cancel the change.
mobile_change_requested = Signal()

#: ``user``, ``old``, ``new`` (masked; ``old`` is "" if there was none), ``request`` (None if the change had to wait):
#: the mobile of an account has changed.
mobile_changed = Signal()

#: ``request``, ``user``, ``session``: a sign-in came from a device that is new to this account, and the account has
#: older sessions. Tell the person here, by SMS or mail: phonebind sends no message.
new_device = Signal()

#: ``user``, ``provider`` (the family: "wechat"), ``request``: a person who is signed in has bound one more identity, or
#: unbound one. Tell the owner in another way, by SMS or mail: it may have been another person.
identity_bound = Signal()
identity_unbound = Signal()

#: ``user``, ``request``, ``outcome`` ("accepted", "held"): a person has proved the mobile alone, long after its last
#: proof, and says that the account is theirs. The account has no second way to sign in that they could show.
number_doubtful = Signal()

#: ``rule`` ("number_state_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for lookups of numbers
#: is used up. Until then, people are asked instead. Sent once a minute during that time.
number_state_budget_exhausted = Signal()

#: ``answer`` ("same", "recycled", "unknown"): ``NUMBER_STATE`` was asked whether a number has a new owner. "unknown"
#: is also sent if the service could not be asked. For your metrics.
number_state_asked = Signal()

#: ``reason`` (as the device is told it: "signed_out", "revoked", "password", ...), ``count``: this many sessions of one
#: user were ended at once. For your metrics; sent after the commit.
sessions_ended = Signal()
