"""RAP's generate step: what was retrieved, and a question, to an answer with sources (arXiv 2410.13360, §3)."""
