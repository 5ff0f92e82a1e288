"""What evaluation runners share: suites and their rows, replies, likelihoods, scores, results."""
