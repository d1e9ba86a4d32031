"""Tests of the room that carries jobs through their lives, over virtual time where time matters."""
