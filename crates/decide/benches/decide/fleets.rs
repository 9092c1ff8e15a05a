//! Fleets that the benchmarks decide about.

use std::fmt::Write;

use decide::scenario::Scenario;

/// Servers of a usual cluster: a primary, three replicas, and one below a replica.
pub(crate) const SERVERS_PER_CLUSTER: usize = 5;
/// Servers of the fleets that are measured.
pub(crate) const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// Transactions of each former primary.
const OLD: u64 = 4_000_000;

/// A fleet of usual clusters; with `dead`, every primary is, and its replicas know. All servers hold what three
/// primaries, one after the other, committed; in clusters with a dead primary every replica received a bit less than
/// the next one, the third of them in pieces, and the second has a transaction of its own.
pub(crate) fn fleet(servers: usize, dead: bool) -> Scenario {
    let mut text = String::new();
    for cluster in 0..servers / SERVERS_PER_CLUSTER {
        let (state, receiver) = if dead { (" down=12s", " io=connecting") } else { ("", "") };
        writeln!(text, "p{cluster}{state} executed={}", history(1_000, 0)).unwrap();
        for number in 1..4_u64 {
            let (last, gaps) = if dead { (994 + 2 * number, 100 * (number / 3)) } else { (1_000, 0) };
            let own = if dead && number == 2 { format!(",{}:1", uuid(99)) } else { String::new() };
            let held = history(last, gaps);
            writeln!(
                text,
                "r{cluster}-{number} <- p{cluster}{receiver} executed={held}{own} received={}:900-{last}",
                uuid(3)
            )
            .unwrap();
        }
        writeln!(text, "r{cluster}-4 <- r{cluster}-1 executed={}", history(990, 0)).unwrap();
    }
    Scenario::parse(&text)
}

/// One cluster: a dead primary with so many direct replicas, no two of which received the same.
pub(crate) fn wide_cluster(replicas: usize) -> Scenario {
    let mut text = format!("p0 down=12s executed={}\n", history(1_000_000, 0));
    for number in 0..replicas {
        let last = 1_000_000 - number as u64;
        writeln!(
            text,
            "r{number} <- p0 io=connecting executed={} received={}:900-{last}",
            history(last, 0),
            uuid(3)
        )
        .unwrap();
    }
    Scenario::parse(&text)
}

/// What two former primaries committed, and of the present one all up to `last` but for so many single transactions.
pub(crate) fn history(last: u64, gaps: u64) -> String {
    let mut intervals = String::new();
    let mut begin = 1;
    for gap in 1..=gaps {
        write!(intervals, ":{begin}-{}", 2 * gap + 1).unwrap();
        begin = 2 * gap + 3;
    }
    format!("{}:1-{OLD},{}:1-{OLD},{}{intervals}:{begin}-{last}", uuid(1), uuid(2), uuid(3))
}

fn uuid(number: u32) -> String {
    format!("3e11fa47-71ca-11e1-9e33-{number:012x}")
}
