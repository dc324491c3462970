"""The vocabulary on which every step rests: schemas, keys, licenses, opt-outs, policies, reasons, errors."""
