"""The JSON Schemas of Callsheet. A package only so that wheels carry it; the code reads it through `runner.schema_files`."""
