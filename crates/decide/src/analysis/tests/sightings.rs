//! What was seen of a server and its replicas, in words.

use crate::analysis::{facts, seen};
use crate::scenario::Scenario;

#[test]
fn states_of_servers_and_replicas() {
    let cases = [
        (
            "p1 down=3s partial",
            "p1",
            "p1:3306 is a primary, unreachable, though the basic variables could be read, last read 3.0 s ago",
        ),
        ("p1 never", "p1", "p1:3306 is a primary, unreachable, never read"),
        ("p1", "p1", "p1:3306 is a primary, reachable, last read 1.0 s ago"),
        (
            "policy max_age=25s \n p1 age=30s",
            "p1",
            "p1:3306 is a primary, not checked for too long, last read 30.0 s ago",
        ),
        ("a <- b co \n b <- a co", "a", "a:3306 is a co-primary, reachable, last read 1.0 s ago"),
        ("p \n m <- p \n l <- m", "m", "m:3306 is an intermediate primary, reachable, last read 1.0 s ago"),
        ("p \n m <- p \n l <- m", "l", "l:3306 is a replica, reachable, last read 1.0 s ago"),
        ("g group=PRIMARY/ONLINE/g", "g", "g:3306 is a group member, reachable, last read 1.0 s ago"),
        ("p1 \n r1 <- p1 down=5s", "p1", "r1:3306 is unreadable, last read 5.0 s ago"),
        (
            "policy max_age=25s \n p1 \n r1 <- p1 age=30s",
            "p1",
            "r1:3306 was not checked for too long, last read 30.0 s ago; then it receives from it",
        ),
        ("policy max_age=25s \n p1 \n r1 <- p1 age=40s never", "p1", "r1:3306 is unreadable, never read"),
        ("p1 \n r1 <- p1 io=connecting errno=2003", "p1", "r1:3306 fails to connect to it (error 2003: )"),
        (
            "p1 \n r1 <- p1 io=stopped sql=stopped",
            "p1",
            "r1:3306 has its receiver stopped, its applier is stopped",
        ),
        ("p1 \n r1 <- p1 io=stopped errno=1236", "p1", "r1:3306 has its receiver stopped (error 1236: )"),
    ];
    for (text, name, expected) in cases {
        let scenario = Scenario::parse(text);
        let instance = scenario.instance(name);
        let facts = facts(&scenario.fleet, instance, &scenario.policy, scenario.now);
        let found = seen(&scenario.fleet, instance, &facts, &scenario.policy, scenario.now);
        let lines: Vec<String> =
            found.iter().map(|piece| format!("{} {}", piece.source, piece.text)).collect();
        assert!(lines.iter().any(|line| line == expected), "{text}: {lines:?}");
    }
}
