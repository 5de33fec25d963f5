"""What proves the pack, and what prepares a checkout to run and to be tested."""
