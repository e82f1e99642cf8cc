"""One person, as an operator sees them who is asked for help; and what the operator does for them."""
