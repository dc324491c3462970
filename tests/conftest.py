"""What all tests share lies beside this file, which is why they can import it: the oracle, the strategies."""
