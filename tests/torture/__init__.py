"""What must hold when everything fails at once: ``make torture``, and in a short form with all other tests."""
