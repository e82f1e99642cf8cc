"""An e-mail address is USERNAME_FIELD, and need not be known."""
