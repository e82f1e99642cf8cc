"""What must hold when everything goes wrong at once: ``make torture``, and in a short form with all other tests."""
