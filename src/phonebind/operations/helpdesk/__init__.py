"""The helpdesk: the page of one person, and the operator's acts for that person."""
