//! Membership in a MySQL replication group.

use model::{GroupMembership, InstanceKey};

use crate::tables::{Table, is_on};

/// The membership of the server with this UUID. Multi-primary groups are not recorded.
pub(crate) fn read(members: &Table, own_uuid: &str) -> GroupMembership {
    let mut group = GroupMembership::default();
    for row in members.records() {
        if !row.text(&["single_primary"]).is_some_and(|mode| is_on(&mode)) {
            return GroupMembership::default();
        }
        let key = InstanceKey::new(row.owned(&["member_host"]), row.number(&["member_port"]).unwrap_or(0));
        let role = row.owned(&["member_role"]);
        if role == "PRIMARY" && key.is_valid() {
            group.primary = Some(key.clone());
        }
        if row.text(&["member_id"]).is_some_and(|id| id.eq_ignore_ascii_case(own_uuid)) {
            group.name = row.owned(&["group_name"]);
            group.single_primary = true;
            group.member_state = row.owned(&["member_state"]);
            group.member_role = role;
        } else if key.is_valid() {
            group.members.push(key);
        }
    }
    // Members seen by a server that is not in the group itself say nothing about it.
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

    fn members(mode: &str) -> Table {
        let columns = [
            "MEMBER_ID",
            "MEMBER_HOST",
            "MEMBER_PORT",
            "MEMBER_STATE",
            "MEMBER_ROLE",
            "group_name",
            "single_primary",
        ];
        let row = |id, host, role| {
            vec![Some(id), Some(host), Some("3306"), Some("ONLINE"), Some(role), Some("g1"), Some(mode)]
        };
        let rows =
            [row("u2", "db2", "PRIMARY"), row("u3", "db3", "SECONDARY"), row("u1", "db1", "SECONDARY")];
        let rows: Vec<&[Option<&str>]> = rows.iter().map(Vec::as_slice).collect();
        table(&columns, &rows)
    }

    #[test]
    fn a_secondary_knows_its_primary_and_the_others() {
        let group = read(&members("1"), "U1");
        assert_eq!((group.name.as_str(), group.member_role.as_str()), ("g1", "SECONDARY"));
        assert_eq!(group.primary, Some(InstanceKey::new("db2", 3306)));
        assert_eq!(group.members, [InstanceKey::new("db2", 3306), InstanceKey::new("db3", 3306)]);
    }

    #[test]
    fn multi_primary_groups_and_strangers_are_no_members() {
        assert_eq!(read(&members("0"), "u1"), GroupMembership::default());
        assert_eq!(read(&members("1"), "u9"), GroupMembership::default());
    }
}
