"""One file per remote API, and the one seam to the network. No retry, sleep, log, disk or clock inside."""
