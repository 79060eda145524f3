"""The store behind its threads: order, batches, bounds and an orderly end. The reactor is one that moves by hand."""
