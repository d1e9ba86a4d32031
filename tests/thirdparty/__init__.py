"""A provider in a package of its own: installed, checked and used."""
