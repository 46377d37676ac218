"""How the agent becomes a ramdisk. Runs on the machine of the person who builds it."""
