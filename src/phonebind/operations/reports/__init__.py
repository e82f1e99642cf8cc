"""What the rows of events come to: charts, what SMS cost, and whether they are pumped."""
