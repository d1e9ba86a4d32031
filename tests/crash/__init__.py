"""kill -9 at many points, then recovery and an audit."""
