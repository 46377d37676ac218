"""Who tells the agent what to install, and is told how it went."""
