//! Errant transactions: committed on a replica, unknown to the server it replicates from.
//!
//! Both sets are read at different times, and the primary's is usually the older one. Transactions that the
//! primary, or a server above it, committed since are not errant; so everything that carries the UUID of an
//! ancestor is left out of the comparison. What remains was committed on the replica itself or somewhere else.

use model::{GtidSet, ServerUuid};

/// What is known about one replica and the server it replicates from. MySQL GTIDs only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The replica's own UUID.
    pub own: Option<ServerUuid>,
    /// UUID of the primary, as the replica knows it.
    pub primary: Option<ServerUuid>,
    /// UUIDs on the way from the top of the topology down to the replica, and of replication groups. May hold the
    /// replica's own.
    pub ancestry: Vec<ServerUuid>,
    /// UUID under which a replication group logs its view changes, when it has one of its own.
    pub view_change: Option<ServerUuid>,
    /// True when the primary in turn replicates from this replica.
    pub is_co_primary: bool,
}

impl Lineage {
    /// Makes a lineage of the texts as they are stored. What is not a UUID, such as an empty text, is left out.
    pub fn from_texts(own: &str, primary: &str, ancestry: &str, is_co_primary: bool) -> Self {
        Self {
            own: ServerUuid::parse(own.trim()),
            primary: ServerUuid::parse(primary.trim()),
            ancestry: ancestry.split(',').filter_map(|uuid| ServerUuid::parse(uuid.trim())).collect(),
            view_change: None,
            is_co_primary,
        }
    }

    /// True when transactions with this UUID reach the replica by replication, so that they prove nothing.
    fn is_upstream(&self, uuid: &ServerUuid) -> bool {
        if Some(*uuid) == self.own {
            // A co-primary's own transactions flow back to it; the other one may simply not have fetched them yet.
            return self.is_co_primary;
        }
        self.ancestry.contains(uuid) || Some(*uuid) == self.primary || Some(*uuid) == self.view_change
    }
}

/// The transactions in `executed`, of the replica, that the primary lacks and that did not come from above.
///
/// `primary_executed` is what was last read from the primary. When either set is empty nothing is known, and
/// nothing is errant.
///
/// Differs: the UUID of the primary always counts as an ancestor. The reference relies on the stored ancestry,
/// which is late by one poll per level, and so reports transactions of a new primary as errant for a while.
pub fn errant_transactions(executed: &GtidSet, primary_executed: &GtidSet, lineage: &Lineage) -> GtidSet {
    if executed.is_empty() || primary_executed.is_empty() {
        return GtidSet::new();
    }
    let mut own = executed.clone();
    own.retain_uuids(|uuid| !lineage.is_upstream(uuid));
    own.subtract(primary_executed)
}

/// Like [`errant_transactions`], from the texts that the servers gave. An unreadable set counts up to the first
/// entry that is not well formed.
pub fn errant_from_texts(executed: &str, primary_executed: &str, lineage: &Lineage) -> GtidSet {
    let (executed, _) = GtidSet::parse_lenient(executed);
    match GtidSet::parse_lenient(primary_executed) {
        (known, None) => errant_transactions(&executed, &known, lineage),
        // Differs: what stands behind the bad entry is unknown here, not absent. Calling it errant would make the
        // replica unfit for promotion for no reason, so only servers whose transactions were read are judged.
        (known, Some(_)) => {
            let mut errant = errant_transactions(&executed, &known, lineage);
            errant.retain_uuids(|uuid| known.uuids().any(|read| read == *uuid));
            errant
        }
    }
}

/// The ancestry of a server, as it is stored: UUIDs separated by commas, the top of the topology first.
///
/// `inherited` is the ancestry of the server it replicates from. A co-primary starts anew with its peer, because
/// the two would otherwise append each other without end. The name of the replication group, empty for none,
/// comes last, since its transactions carry that name as UUID.
pub fn ancestry_text(
    inherited: &str,
    own: &str,
    primary: &str,
    is_co_primary: bool,
    group_name: &str,
) -> String {
    let above = if is_co_primary { primary } else { inherited };
    format!("{above},{own},{group_name}").trim_matches(',').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// UUIDs of a primary's primary, a primary, a replica and a stranger.
    const TOP: &str = "10000000-0000-0000-0000-000000000000";
    const PRIMARY: &str = "20000000-0000-0000-0000-000000000000";
    const REPLICA: &str = "30000000-0000-0000-0000-000000000000";
    const STRANGER: &str = "40000000-0000-0000-0000-000000000000";

    fn written(short: &str) -> String {
        [("T:", TOP), ("P:", PRIMARY), ("R:", REPLICA), ("S:", STRANGER)]
            .iter()
            .fold(short.to_owned(), |text, (name, uuid)| text.replace(name, &format!("{uuid}:")))
    }

    fn check(executed: &str, primary_executed: &str, lineage: &Lineage, errant: &str) {
        let found = errant_from_texts(&written(executed), &written(primary_executed), lineage);
        assert_eq!(found.to_string(), written(errant), "{executed} under {primary_executed}");
    }

    fn replica() -> Lineage {
        Lineage::from_texts(REPLICA, PRIMARY, &format!("{TOP},{PRIMARY},{REPLICA}"), false)
    }

    #[test]
    fn own_and_foreign_transactions_are_errant() {
        check("T:1-9,P:1-5,R:1-2", "T:1-9,P:1-5", &replica(), "R:1-2");
        check("P:1-5,S:1-3", "P:1-5,S:1-2", &replica(), "S:3");
        check("P:1-5,S:1:red:1-3", "P:1-5,S:1-9:red:1", &replica(), "S:red:2-3");
    }

    #[test]
    fn own_transactions_from_its_time_as_primary_are_not_errant() {
        check("P:1-5,R:1-100", "P:1-5,R:1-100", &replica(), "");
        check("P:1-5,R:1-101", "P:1-5,R:1-100", &replica(), "R:101");
    }

    #[test]
    fn transactions_from_above_are_not_errant_even_when_the_primary_was_read_earlier() {
        check("T:1-12,P:1-8:red:1-2", "T:1-9,P:1-5", &replica(), "");
    }

    #[test]
    fn primary_counts_as_ancestor_before_the_ancestry_is_known() {
        let fresh = Lineage::from_texts(REPLICA, PRIMARY, REPLICA, false);
        check("P:1-8,S:1", "P:1-5", &fresh, "S:1");
    }

    #[test]
    fn co_primary_is_not_blamed_for_its_own_writes() {
        let co_primary = Lineage::from_texts(REPLICA, PRIMARY, &format!("{PRIMARY},{REPLICA}"), true);
        check("P:1-9,R:1-9,S:1", "P:1-5,R:1-5", &co_primary, "S:1");
    }

    #[test]
    fn group_transactions_and_view_changes_are_not_errant() {
        let mut member =
            Lineage::from_texts(REPLICA, PRIMARY, &format!("{PRIMARY},{REPLICA},{STRANGER}"), false);
        check("S:1-9,T:1-3", "S:1-5", &member, "T:1-3");
        member.view_change = ServerUuid::parse(TOP);
        check("S:1-9,T:1-3", "S:1-5", &member, "");
    }

    #[test]
    fn nothing_is_errant_while_a_set_is_unknown() {
        check("R:1-9", "", &replica(), "");
        check("", "P:1-9", &replica(), "");
    }

    #[test]
    fn unreadable_part_of_the_primary_set_is_unknown_not_absent() {
        check("R:1-9,S:1-3", "R:1-5,oops,S:1-3", &replica(), "R:6-9");
        check("R:1-9,oops,S:1-3", "R:1-5", &replica(), "R:6-9");
    }

    #[test]
    fn texts_that_are_no_uuids_are_left_out() {
        let odd = Lineage::from_texts("", "No", ",No,", false);
        assert_eq!(odd, Lineage::default());
        check("R:1", "P:1", &odd, "R:1");
    }

    #[test]
    fn ancestry_grows_downwards_and_restarts_at_co_primaries() {
        assert_eq!(ancestry_text("", "a", "", false, ""), "a");
        assert_eq!(ancestry_text("a,b", "c", "b", false, ""), "a,b,c");
        assert_eq!(ancestry_text("a,b", "c", "b", true, ""), "b,c");
        assert_eq!(ancestry_text("a", "b", "a", false, "g"), "a,b,g");
        assert_eq!(ancestry_text("", "", "", false, ""), "");
    }

    proptest! {
        #[test]
        fn errant_is_executed_here_and_not_there(own in "([TPRS]:[1-9]-[1-9],){0,5}", above in "([TPRS]:[1-9]-[1-9],){0,5}") {
            let (own, above): (GtidSet, GtidSet) = (written(&own).parse().unwrap(), written(&above).parse().unwrap());
            let errant = errant_transactions(&own, &above, &replica());
            prop_assert!(own.contains(&errant));
            prop_assert!(errant.intersect(&above).is_empty());
            let judged = [REPLICA, STRANGER].map(|uuid| ServerUuid::parse(uuid).unwrap());
            prop_assert!(errant.uuids().all(|uuid| judged.contains(&uuid)));
        }
    }
}
