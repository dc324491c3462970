opt_outs_as_of('2026-01-31')
