//! Systems we imitate over their wire protocol, faults included.
