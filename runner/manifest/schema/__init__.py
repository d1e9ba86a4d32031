"""What the schema files say, ready for the validator, the editor and the reference pages."""
