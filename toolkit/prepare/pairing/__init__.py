"""What people have to the pairs that losses need."""
