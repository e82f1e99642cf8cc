"""What your project can listen to.

All are sent after the commit, except ``committing``. The exception of a receiver is logged and stops nothing.
"""

from django.dispatch import Signal

#: ``user``, ``social_account``, ``request``: a person has bound an identity to their account. Merge the cart here.
#: Sent at most once: if the process dies after the commit, or the answer to the commit is lost, it is not sent, and the
#: same request again finds the bind done. For what must not be missed, use ``WEBHOOKS``, or ``committing`` below.
account_bound = Signal()

#: ``user``, ``social_account`` (None after a sign-in without a provider), ``request``: a person has signed in.
signed_in = Signal()

#: ``user``, ``social_account`` (None after a sign-in without a provider), ``request``, ``response``: the answer to
#: a person who signed in, before it is sent, from API and pages. Set and delete cookies on ``response`` here.
sign_in_response = Signal()

#: ``provider`` (the family: "wechat"), ``unionid``, ``user_ids``: a sign-in shows that these accounts belong to one
#: person. Nothing is joined: the person, or you, decide that.
same_person_found = Signal()

#: ``rule`` ("sms_site_hour" or "sms_site_day"), ``limit``, ``seconds``, ``retry_after``: the SMS budget of the whole
#: site is used up, and no code is sent for ``retry_after`` seconds. Sent once a minute during that time: alert an
#: operator here.
sms_budget_exhausted = Signal()

#: ``rule`` ("proof_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for mobile proofs is used up.
#: People verify by SMS meanwhile. Sent once a minute while that lasts.
proof_budget_exhausted = Signal()

#: ``rule`` ("sms_site_hour", or another budget of the whole site), ``limit``, ``seconds``, ``used``: four fifths of
#: this budget are used. When all of it is used, its own signal follows. Sent once in ``seconds``: there is time to act.
budget_low = Signal()

#: Of ``phonebind.operations``. ``sent``, ``numbers``, ``used``: how many SMS went to how many numbers in an hour, and
#: how many of these numbers used a code: too few (``PUMPING_ALARM``). ``network``: where most of them were requested.
#: Sent once an hour while that lasts: alert an operator here.
sms_pumping_suspected = Signal()

#: ``gateway`` (its name), ``purpose``, ``outcome`` ("sent", "not_now", "operator", "number", "limit", "unknown": see
#: docs/en/how-to/sms/index.md#what-comes-of-an-sms), ``seconds``: an SMS was given to a gateway. For your metrics; sent
#: once for each gateway that was tried.
sms_attempted = Signal()

#: ``purpose`` (one of ``phonebind.sms.PURPOSES``), ``outcome``: a person has sent an SMS code. For your metrics; a
#: request that a limit refuses is not counted. The outcomes: "right"; "wrong"; "burnt": wrong, and the last guess, so
#: the codes that were meant are no longer valid; "expired": no valid code was meant, since all have expired, were burnt
#: or used, or none was sent.
sms_code_checked = Signal()

#: ``gateway``, ``state`` ("delivered", "failed"), ``reason`` ("" for a delivered one, or one of
#: ``phonebind.sms.receipts.REASONS``), ``seconds`` since it was sent: the carrier has said what happened to an SMS. For
#: your metrics; sent once for each SMS, and only with ``SMS_RECEIPTS``.
sms_receipt_received = Signal()

#: ``record``: every attribute of a record of the audit trail (``phonebind.audit``); ``mobile``: the whole number, or
#: ""; ``request``. Sent for each outcome, after the commit and before the answer goes out: do not take long.
audited = Signal()

#: ``act`` ("account-bound", "identifier-recycled", "credential-change", "session-revoked", "sessions-revoked"),
#: ``facts`` (a list of dicts, one for each account or session, each with ``user_id``: primary keys and words, see
#: docs/en/how-to/operations/webhooks.md), ``using``: an act on accounts is about to be committed on this alias.
#: Unlike the others it is sent inside the transaction, if there is one, and the exception of a receiver rolls the act
#: back. Write a row here that must exist exactly if the act does, and do nothing else.
committing = Signal()

#: ``image_code_id``, ``text``: an image code was drawn. For development tools that enter the code for you.
image_code_issued = Signal()

#: ``user``, ``session``: a refresh token was used that had been used before. So two people have it, and its session was
#: ended. Sent only with ``phonebind.lifecycle``, as are all signals below.
refresh_token_reused = Signal()

#: ``user``, ``old``, ``new`` (masked), ``due_at``, ``request``: a person who has lost the old number asked for another.
#: An SMS tells the old number (``MOBILE_CHANGE_NOTICE``). Tell the person in every other way that you have, by mail or
#: in your app: until ``due_at``, a person who signs in to the account in any way can cancel it.
mobile_change_requested = Signal()

#: ``user``, ``old``, ``new`` (masked; ``old`` is "" if there was none), ``request`` (None if the change waited): an
#: account has another number now.
mobile_changed = Signal()

#: ``request``, ``user``, ``session``: a sign-in came from a device on which this account was never seen, and the
#: account has older sessions. Tell the owner here, by SMS or mail; nothing else does.
new_device = Signal()

#: ``user``, ``provider`` (the family: "wechat"), ``request``: a person who is signed in has bound one more identity, or
#: unbound one. Tell the owner in another way, by SMS or mail: it may have been another person.
identity_bound = Signal()
identity_unbound = Signal()

#: ``user``, ``request``, ``outcome`` ("accepted", "held"): a person has proved only the number, long after it was last
#: proved, and says that the account is theirs. It has no second way to sign in that they could show.
number_doubtful = Signal()

#: ``rule`` ("number_state_site_day"), ``limit``, ``seconds``, ``retry_after``: the site's budget for lookups of
#: numbers is used up. Meanwhile the person is asked instead. Sent once a minute while that lasts.
number_state_budget_exhausted = Signal()

#: ``answer`` ("same", "recycled", "unknown"): ``NUMBER_STATE`` was asked whether a number has a new owner. "unknown"
#: also if the service could not be asked. For your metrics.
number_state_asked = Signal()

#: ``reason`` (as the device is told it: "signed_out", "revoked", "password", ...), ``count``: this many sessions of one
#: user were ended at once. For your metrics; sent after the commit.
sessions_ended = Signal()
