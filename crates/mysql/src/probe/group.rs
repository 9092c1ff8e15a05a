//! Group replication: single-primary groups only; a multi-primary group is not recorded.

use model::{GroupMembership, InstanceKey};

use crate::tables::{Table, is_on};

/// Membership of the server with this UUID, from the table of members. `None`: no member, or multi-primary.
pub(super) fn read(members: &Table, own_uuid: &str) -> GroupMembership {
    let mut group = GroupMembership::default();
    for row in members.records() {
        if !row.text(&["single_primary"]).is_some_and(|text| is_on(&text)) {
            return GroupMembership::default();
        }
        let key = InstanceKey::new(row.owned(&["member_host"]), row.number(&["member_port"]).unwrap_or(0));
        if row.owned(&["member_role"]) == "PRIMARY" {
            group.primary = Some(key.clone());
        }
        if row.owned(&["member_id"]) == own_uuid {
            group.name = row.owned(&["group_name"]);
            group.single_primary = true;
            group.member_role = row.owned(&["member_role"]);
            group.member_state = row.owned(&["member_state"]);
        } else {
            group.members.push(key);
        }
    }
    if group.name.is_empty() {
        return GroupMembership::default();
    }
    group.members.sort();
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::table;

    const COLUMNS: [&str; 7] = [
        "member_id",
        "member_host",
        "member_port",
        "member_state",
        "member_role",
        "group_name",
        "single_primary",
    ];

    #[test]
    fn a_secondary_knows_its_primary_and_the_others() {
        let members = table(
            &COLUMNS,
            &[
                &[
                    Some("u1"),
                    Some("db1"),
                    Some("3306"),
                    Some("ONLINE"),
                    Some("PRIMARY"),
                    Some("g"),
                    Some("1"),
                ],
                &[
                    Some("u2"),
                    Some("db2"),
                    Some("3306"),
                    Some("ONLINE"),
                    Some("SECONDARY"),
                    Some("g"),
                    Some("1"),
                ],
            ],
        );
        let group = read(&members, "u2");
        assert_eq!((group.name.as_str(), group.member_role.as_str()), ("g", "SECONDARY"));
        assert_eq!(group.primary, Some(InstanceKey::new("db1", 3306)));
        assert_eq!(group.members, [InstanceKey::new("db1", 3306)]);
        assert!(read(&members, "u3").name.is_empty());
    }

    #[test]
    fn a_multi_primary_group_is_not_recorded() {
        let members = table(
            &COLUMNS,
            &[&[
                Some("u1"),
                Some("db1"),
                Some("3306"),
                Some("ONLINE"),
                Some("PRIMARY"),
                Some("g"),
                Some("0"),
            ]],
        );
        assert_eq!(read(&members, "u1"), GroupMembership::default());
    }
}
