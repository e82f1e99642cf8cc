"""What is measured, a module each: ``run(machine, load)`` gives the tables that go into docs/performance.md."""
