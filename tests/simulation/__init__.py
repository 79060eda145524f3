"""One seed makes one history: a store on a simulated disk, its threads stepped by the seed, held against a dictionary.

    nodes, writes, tree, contents, disk     a file system in memory, with its room and its descriptors
    crashes, faults                         what a crash leaves of it, and system calls that fail
    schedule, locks                         threads that are greenlets; each lock and each call is a point to switch at
    machine, operating, handed_out, stand_ins     all of that as the modules `os`, `threading`, `time` and so on
    subject                                 what is asked of a store to be simulated; subject_... are the stores
    values, operations, telling             what a history consists of, as plain data and in words
    draws, generator                        a history from a seed
    worker, committer, clients              the store at work
    hands, person, conditions               what is wrong with the machine for a while, and what people do to the disk
    records, state, judging, looks, ways, model     a plain dictionary, and what may be true of it
    inspection, history                     runs a history and holds the store against the model
    shrink, run, cases, kept_*                      many histories, and short ones of those that fail
    toy, toy_file                           a store too simple to be wrong, for the simulation's own tests

`python -m tests.simulation --help` says how to run it. To simulate another store, write a module as `subject_files`.
"""
