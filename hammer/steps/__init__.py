"""What the sequence does, one file per group of steps, in the words of the sequence."""
