//! Memory of the tasks that wait once per server: there are thousands of them.

use std::mem::size_of;

use model::InstanceKey;

use crate::Engine;

/// Bytes that one of them may take. With a whole read in it, it takes tens of thousands.
const MOST: usize = 4_096;

#[test]
fn what_waits_for_its_turn_is_small() {
    fn of<A, F>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }
    let poll = of(|(engine, key, slots, done): (Engine, _, _, _)| engine.poll_one(key, slots, done));
    assert!(poll < MOST, "a poll that waits for its slot takes {poll} bytes");
    let watch = of(|(engine, key): (&'static Engine, InstanceKey)| engine.watch_one(key));
    assert!(watch < MOST, "a watch takes {watch} bytes");
}
