"""What a person at the console of a ramdisk can do: stop, look, mend, try again."""
