"""What an editor makes of the manifest schema, asked of the language server that editors run."""
