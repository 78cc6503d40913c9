"""Many runs: which trials there are, who trains them, and how a sweep that was killed goes on."""
