"""The model validates itself whenever it is saved."""
