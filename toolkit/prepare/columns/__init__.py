"""What the columns of a table hold, and in which order trainers read them."""
