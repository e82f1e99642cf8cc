"""What a shop can listen to. Sent after the commit, except ``committing``; a receiver's exception is logged and stops
nothing.
"""

from django.dispatch import Signal

#: ``user``, ``social_account``, ``request``: somebody just bound an identity to their account. Merge the cart here.
#: At most once: where the process dies after the commit, or the answer to the commit is lost, nobody is told, and the
#: same request again finds the bind done. What must not be missed goes by ``WEBHOOKS``, or ``committing`` below.
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

#: ``rule`` ("sms_site_hour", or another budget of the whole site), ``limit``, ``seconds``, ``used``: four fifths of
#: this budget are used. When all of it is, its own signal follows. Sent once in ``seconds``: there is time to act.
budget_low = Signal()

#: Of ``phonebind.operations``. ``sent``, ``numbers``, ``used``: of an hour, how many SMS went to how many numbers, and
#: how many of these used a code: too few (``PUMPING_ALARM``). ``network``: where most of them were asked for from. Sent
#: once an hour while that lasts: wake somebody here.
sms_pumping_suspected = Signal()

#: ``gateway`` (its name), ``purpose``, ``outcome`` ("sent", "not_now", "operator", "number", "limit", "unknown": see
#: docs/en/how-to/sms/index.md#what-comes-of-an-sms), ``seconds``: a gateway was given an SMS. For your metrics; sent
#: for each gateway that was tried.
sms_attempted = Signal()

#: ``purpose`` (one of ``phonebind.sms.PURPOSES``), ``outcome``: somebody has given an SMS code. "right"; "wrong";
#: "burnt": wrong, and the last guess, so the codes that it might have been are good no more; "expired": no code was
#: alive that it might have been, since all have expired, were burnt or used, or none was sent. For your metrics; what a
#: limit refuses to look at is none of these.
sms_code_checked = Signal()

#: ``gateway``, ``state`` ("delivered", "failed"), ``reason`` ("" where it was delivered, or one of
#: ``phonebind.sms.receipts.REASONS``), ``seconds`` since it was sent: the carrier has told what became of an SMS. For
#: your metrics; sent once for each SMS, and only where ``SMS_RECEIPTS`` is on.
sms_receipt_received = Signal()

#: ``record``: every attribute of a record of the audit trail (``phonebind.audit``); ``mobile``: the whole number, or
#: ""; ``request``. Sent for each outcome, after it was committed and before the answer goes out: do not take long.
audited = Signal()

#: ``act`` ("account-bound", "identifier-recycled", "credential-change", "session-revoked", "sessions-revoked"),
#: ``facts`` (a list of dicts, one for each account or session that the act is on, each with ``user_id``: primary keys
#: and words, see docs/en/how-to/operations/webhooks.md), ``using``: an act on accounts is about to be committed on this
#: alias. Unlike the others it is sent within the transaction, where there is one, and a receiver's exception rolls the
#: act back. Write a row there that must exist exactly if the act does, and do nothing else.
committing = Signal()

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

#: ``answer`` ("same", "recycled", "unknown"): ``NUMBER_STATE`` was asked whether a number has a new owner. "unknown"
#: too where nobody could be asked. For your metrics.
number_state_asked = Signal()

#: ``reason`` (as the device is told it: "signed_out", "revoked", "password", ...), ``count``: so many sessions of one
#: user were ended at once. For your metrics; sent after the commit.
sessions_ended = Signal()
