"""An e-mail address is USERNAME_FIELD. It may be empty."""
