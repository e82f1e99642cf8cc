"""Reports from the rows of events: charts, costs of SMS, and detection of SMS pumping."""
