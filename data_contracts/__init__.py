"""The contracts of every table, one `*.odcs.yaml` each. `gii_pipeline.contracts` reads them."""
