"""What a shop can listen to. Sent after the commit; a receiver's exception is logged and stops nothing."""

from django.dispatch import Signal

#: ``user``, ``social_account``, ``request``: somebody just bound an identity to their account. Merge the cart here.
account_bound = Signal()

#: ``user``, ``social_account`` (None after a password sign-in), ``request``: someone signed in, by whichever way.
signed_in = Signal()

#: ``image_code_id``, ``text``: an image code was drawn. For development tools that read the image for you.
image_code_issued = Signal()
