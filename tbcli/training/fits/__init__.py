"""People's own `fit` under `tbcli.Callback`: what is read from it, without changing its result."""
