"""The wire to the vendors: the only room that speaks HTTP as a client."""
