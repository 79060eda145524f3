"""Each defect of the store that was found in 0.1.0 by attacking it, as a test that failed then.

What the tests know of the store's interface and of its folders stands in `store` and `queues`, and nowhere else;
`faults` is a disk that fails, stops, fills up or crashes at a chosen call, and `threads` lets one call overtake another
at a chosen place.
"""
