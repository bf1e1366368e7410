"""What reading, decoding and replaying a trace costs, beside its peers and beside a floor in C."""
