"""Types of the values in a stack file."""
