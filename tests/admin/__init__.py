"""What an operator sees and undoes."""
